//! Validating files, for a command line.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use latimer_protocol::tape::{Tape, TapeBuffer};
use serde::Serialize;

use crate::assets::Assets;
use crate::document::Document;
use crate::reply::{Failure, Problem};

/// What was found out about some files, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// One for each file.
    pub files: Vec<FileReport>,
}

/// What was found out about one file: one JSON object for each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// The file, as it was named.
    pub path: String,
    /// Whether it is valid.
    pub ok: bool,
    /// Why it is not: `validation_failed`, `io_error`, `parse_error`, or what else kept it from being validated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The name of the schema, if that could be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// What is wrong with it, in order; empty where it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<Problem>>,
    /// How many errors there are, listed or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<usize>,
    /// For `io_error`, `file_not_found` or `read_failed`; what is wrong with the text for `parse_error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Where the text goes wrong: its line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The character of that line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

impl Report {
    /// The exit code for all of them, the worst one: 0 where all are valid, 1 where one is not, 2 where one could not be read or
    /// is no JSON.
    pub fn exit_code(&self) -> u8 {
        self.files.iter().map(FileReport::exit_code).max().unwrap_or(0)
    }
}

impl FileReport {
    /// The exit code for this one.
    pub fn exit_code(&self) -> u8 {
        match self.reason {
            None => 0,
            Some("validation_failed") if !self.lacks_schema() => 1,
            Some(_) => 2,
        }
    }
}

impl FileReport {
    /// Whether the schema that it was to be held against cannot be used.
    fn lacks_schema(&self) -> bool {
        let errors = self.errors.iter().flatten();
        errors.into_iter().any(|error| error.msg.starts_with("schema_resolution_failed: "))
    }
}

/// Validates files: against the schema that is named, or those that they name themselves. Blocks.
///
/// The files may lie anywhere. They are as large as the settings allow at most.
pub fn files(assets: &Assets, files: &[PathBuf], schema: Option<&str>) -> Report {
    Report { files: files.iter().map(|file| one(assets, file, schema)).collect() }
}

fn one(assets: &Assets, file: &Path, schema: Option<&str>) -> FileReport {
    let report = FileReport { path: file.display().to_string(), ..FileReport::default() };
    let most = assets.settings.max_file_bytes;
    let bytes = match contents(file, most) {
        Ok(bytes) => bytes,
        Err(error) => {
            let absent = error.kind() == io::ErrorKind::NotFound;
            let detail = if absent { "file_not_found" } else { "read_failed" };
            return FileReport { reason: Some("io_error"), detail: Some(detail.to_owned()), ..report };
        }
    };
    if bytes.len() > most {
        return failed(report, &Failure::at("", "payload_too_large"));
    }
    let document = match Document::parse(&bytes) {
        Ok(document) => document,
        Err(error) => {
            return FileReport {
                reason: Some("parse_error"),
                detail: Some(error.reason.to_owned()),
                line: Some(error.line),
                column: Some(error.column),
                ..report
            };
        }
    };
    let schemas = match assets.schemas() {
        Ok(schemas) => schemas,
        Err(failure) => return failed(report, &failure),
    };
    let mut buffer = TapeBuffer::new();
    let verdict = match Tape::parse_into(&mut buffer, &document.text) {
        Ok(tape) => assets.verdict(&schemas, tape.root(), schema),
        Err(error) => return failed(report, &Failure::Internal(error.to_string())),
    };
    let named = verdict.schema.is_some().then(|| verdict.schema_name().to_owned());
    let report = FileReport { schema: named, ..report };
    match verdict.outcome {
        Ok(()) => FileReport { ok: true, errors: Some(Vec::new()), ..report },
        Err(failure) => failed(report, &failure),
    }
}

fn failed(report: FileReport, failure: &Failure) -> FileReport {
    let body = failure.body();
    FileReport {
        reason: body.reason,
        errors: body.errors.map(<[Problem]>::to_vec),
        total: body.total,
        detail: body.detail.map(str::to_owned),
        ..report
    }
}

/// The bytes of a file, and one more than `most` if there are more.
fn contents(file: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::settings::Settings;

    #[test]
    fn each_file_has_its_outcome_and_the_worst_one_counts() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("schemas")).unwrap();
        fs::write(path("schemas/a.schema.json"), r#"{"properties":{"n":{"type":"integer"}}}"#).unwrap();
        fs::write(path("good.json"), r#"{"$schema":"a","n":1}"#).unwrap();
        fs::write(path("bad.json"), r#"{"$schema":"a","n":"1"}"#).unwrap();
        fs::write(path("none.json"), r#"{"n":1}"#).unwrap();
        fs::write(path("broken.json"), "{\n  \"n\": 1,\n}").unwrap();
        let assets = Assets::open(Settings::of(path("schemas"), path("examples"))).unwrap();
        let check = |names: &[&str], schema| {
            let paths: Vec<_> = names.iter().map(|name| path(name)).collect();
            let report = files(&assets, &paths, schema);
            let prefix = format!("{}/", dir.path().display());
            let lines =
                report.files.iter().map(|file| serde_json::to_string(file).unwrap().replace(&prefix, ""));
            (report.exit_code(), lines.collect::<Vec<_>>())
        };
        assert_eq!(check(&[], None), (0, vec![]));
        assert_eq!(
            check(&["good.json"], None),
            (0, vec![r#"{"path":"good.json","ok":true,"schema":"a","errors":[]}"#.to_owned()])
        );
        assert_eq!(check(&["none.json"], Some("a")).0, 0);
        let (code, lines) = check(&["good.json", "bad.json", "none.json"], None);
        assert_eq!(code, 1);
        assert_eq!(
            lines[1],
            r#"{"path":"bad.json","ok":false,"reason":"validation_failed","schema":"a","errors":[{"path":"/n","schema_path":"/properties/n/type","msg":"expected integer, got \"1\""}],"total":1}"#
        );
        assert_eq!(
            lines[2],
            r#"{"path":"none.json","ok":false,"reason":"validation_failed","errors":[{"path":"/$schema","msg":"top-level $schema is required"}]}"#
        );
        let (code, lines) = check(&["bad.json", "broken.json", "absent.json", "schemas"], None);
        assert_eq!(code, 2);
        assert_eq!(
            lines[1],
            r#"{"path":"broken.json","ok":false,"reason":"parse_error","detail":"invalid JSON","line":3,"column":1}"#
        );
        assert_eq!(
            lines[2],
            r#"{"path":"absent.json","ok":false,"reason":"io_error","detail":"file_not_found"}"#
        );
        assert_eq!(lines[3], r#"{"path":"schemas","ok":false,"reason":"io_error","detail":"read_failed"}"#);
    }
}
