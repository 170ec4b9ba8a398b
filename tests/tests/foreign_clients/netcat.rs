//! What the README shows with `nc`, done with `nc`.

use std::path::Path;
use std::process::{Command, Stdio};

use latimer_tests::program;
use latimer_tests::server::{Place, SocketServer};

const PORT: &str = "7000";

#[test]
fn the_example_of_the_readme_works_with_nc() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the folder of the workspace");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the README");
    let mut lines = readme.lines();
    let command = lines.find(|line| line.contains("| nc ")).expect("an example with nc");
    let shown = lines.next().and_then(|line| line.split('…').next()).expect("its answer");
    let command = command.strip_prefix("$ ").expect("a command");
    assert!(command.ends_with(PORT) && shown.len() > 60, "{command}: {shown}");

    let config = root.join("examples/assets.yaml");
    let config = config.to_str().expect("a path of the workspace");
    let server = SocketServer::tcp(&program::latimer(), &["serve", "--config", config]);
    let Place::Tcp(address) = server.place() else { panic!("no TCP port") };
    let command = command.replace(PORT, &address.port().to_string());
    let output = Command::new("sh").args(["-c", &command]).stdin(Stdio::null()).output().expect("a shell");
    let answer = String::from_utf8_lossy(&output.stdout);
    assert!(answer.starts_with(shown), "{answer}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(answer.ends_with("}\n") && answer.lines().count() == 1, "{answer}");
}
