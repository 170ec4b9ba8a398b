//! Skills from a folder: what is found, what is left out, and what is refused (SK-1).

#![allow(clippy::unwrap_used, reason = "helpers of tests may")]

use std::fs;
use std::path::Path;

use latimer_skills::{MOST_BYTES, MOST_FILES, Skill, Skills};
use tempfile::TempDir;

fn put(root: &Path, path: &str, contents: impl AsRef<[u8]>) {
    let place = root.join(path);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, contents).unwrap();
}

fn skill(root: &Path, folder: &str) {
    let name = folder.rsplit('/').next().unwrap();
    put(root, &format!("{folder}/SKILL.md"), format!("---\nname: {name}\ndescription: Does {name}.\n---\n"));
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn uris(skills: &Skills) -> Vec<String> {
    skills.uris().collect()
}

fn refusal(root: &Path) -> String {
    Skills::directory(root).unwrap_err().to_string()
}

#[test]
fn every_folder_with_a_skill_file_is_a_skill_in_the_order_of_their_paths() {
    let root = folder();
    for name in ["refunds", "acme/billing/refunds", "acme", "acme/alone"] {
        skill(root.path(), name);
    }
    put(root.path(), "README.md", "not of a skill");
    put(root.path(), "notes/a.md", "not of a skill either");
    let skills = Skills::directory(root.path()).unwrap();
    let expected = ["acme", "acme/alone", "acme/billing/refunds", "refunds"];
    assert_eq!(uris(&skills), expected.map(|path| format!("skill://{path}/SKILL.md")));
}

#[test]
fn a_folder_that_is_a_skill_itself_is_the_one_skill() {
    let root = folder();
    put(root.path(), "SKILL.md", "---\nname: tides\ndescription: Reads tide tables.\n---\n");
    put(root.path(), "tables/a.csv", "1,2\n");
    let skills = Skills::directory(root.path()).unwrap();
    assert_eq!(uris(&skills), ["skill://tides/SKILL.md"]);
    assert!(skills.with(Skill::new("tides", "The same again.", "")).is_err());
}

#[test]
fn a_folder_without_skills_is_refused() {
    let root = folder();
    assert!(refusal(root.path()).contains("has no skills"));
    put(root.path(), "a/skill.md", "---\nname: a\ndescription: b\n---\n");
    assert!(refusal(root.path()).contains("has no skills"));
    assert!(refusal(&root.path().join("nowhere")).contains("read"));
}

#[test]
fn a_faulty_skill_file_is_named_with_the_mend() {
    for (text, reason) in [
        ("# A skill", "begin with \"---\""),
        ("---\nname: other\ndescription: a\n---\n", "its folder \"a\"; make them equal"),
        ("---\nname: A\ndescription: a\n---\n", "lower-case"),
        ("---\nname: a\ndescription: a\nx: &y 1\n---\n", "line 4"),
    ] {
        let root = folder();
        put(root.path(), "a/SKILL.md", text);
        let refused = refusal(root.path());
        assert!(refused.starts_with("a/SKILL.md: ") && refused.contains(reason), "{refused}");
    }
    let root = folder();
    put(root.path(), "a/SKILL.md", b"---\nname: \xff\n---\n");
    assert!(refusal(root.path()).contains("UTF-8"));
}

#[test]
fn limits_hold_with_what_they_allow() {
    let root = folder();
    skill(root.path(), "a");
    for at in 1..MOST_FILES {
        put(root.path(), &format!("a/{at}"), "");
    }
    assert!(Skills::directory(root.path()).is_ok());
    put(root.path(), "a/b/one-too-many", "");
    assert!(refusal(root.path()).contains("more than 512 files"));

    let root = folder();
    skill(root.path(), "a");
    let own = fs::metadata(root.path().join("a/SKILL.md")).unwrap().len();
    let most = usize::try_from(MOST_BYTES - own).unwrap();
    put(root.path(), "a/big", vec![0; most]);
    assert!(Skills::directory(root.path()).is_ok());
    put(root.path(), "a/big", vec![0; most + 1]);
    assert!(refusal(root.path()).contains("more than 16777216 bytes"));
}

#[cfg(unix)]
mod on_unix {
    use super::*;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    #[test]
    fn hidden_files_and_folders_are_left_out() {
        let root = folder();
        skill(root.path(), "a");
        put(root.path(), "a/.env", "SECRET=1");
        put(root.path(), "a/.git/config", "secret");
        put(root.path(), ".hidden/SKILL.md", "not even read");
        // What is hidden may be anything, even a link out of the folder.
        symlink("/etc", root.path().join("a/.out")).unwrap();
        let skills = Skills::directory(root.path()).unwrap();
        assert_eq!(uris(&skills), ["skill://a/SKILL.md"]);
        let served = format!("{:?}", skills.serve().unwrap());
        assert!(served.contains("files: 1"), "{served}");
    }

    #[test]
    fn a_link_is_followed_to_a_file_of_the_folder_and_nowhere_else() {
        let outside = folder();
        put(outside.path(), "secret.txt", "secret");
        let root = folder();
        skill(root.path(), "a");
        put(root.path(), "shared/policy.md", "shared");
        symlink("../shared/policy.md", root.path().join("a/policy.md")).unwrap();
        let served = format!("{:?}", Skills::directory(root.path()).unwrap().serve().unwrap());
        assert!(served.contains("files: 2"), "{served}");

        for target in [
            outside.path().join("secret.txt"),
            outside.path().to_owned(),
            root.path().join("shared"),
            root.path().join("a"),
            root.path().join("nowhere"),
            Path::new("/dev/null").to_owned(),
        ] {
            let link = root.path().join("a/link");
            symlink(&target, &link).unwrap();
            let refused = refusal(root.path());
            assert!(refused.contains("a/link is a link"), "{refused}");
            fs::remove_file(link).unwrap();
        }
    }

    #[test]
    fn names_that_no_uri_can_say_are_refused() {
        for name in [&b"\xff"[..], b"a\nb", b"a\\b"] {
            let root = folder();
            skill(root.path(), "a");
            fs::write(root.path().join("a").join(std::ffi::OsStr::from_bytes(name)), "").unwrap();
            assert!(Skills::directory(root.path()).is_err(), "{name:?}");
        }
    }
}

#[test]
fn skills_of_the_program_are_held_to_the_same_rules() {
    let with =
        |skill: Skill| Skills::new().with(skill).map(|skills| uris(&skills)).map_err(|e| e.to_string());
    let plain = || Skill::new("a", "A \"quoted\"\ndescription: with lines.", "");
    assert_eq!(with(plain().under("x/y")).unwrap(), ["skill://x/y/a/SKILL.md"]);
    for (skill, reason) in [
        (Skill::new("A", "a", ""), "lower-case"),
        (Skill::new("a", "", ""), "description is empty"),
        (plain().file("../b", ""), "begins with a dot"),
        (plain().file("/b", ""), "empty segment"),
        (plain().file("SKILL.md", ""), "is there twice"),
        (plain().file("b", "").file("b/c", ""), "a file and a folder"),
        (plain().under("x/"), "empty segment"),
        (Skill::from_markdown("no frontmatter"), "begin with \"---\""),
    ] {
        let refused = with(skill).unwrap_err();
        assert!(refused.contains(reason), "{refused}");
    }
    let two = Skills::new().with(plain()).unwrap().and(Skills::new().with(plain().under("b")).unwrap());
    assert_eq!(uris(&two.unwrap()), ["skill://a/SKILL.md", "skill://b/a/SKILL.md"]);
}
