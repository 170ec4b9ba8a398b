//! Standard streams of every kind: pipes, sockets, files.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use super::support::{Process, latimer};

const PINGS: &str =
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}";
const PONGS: &str =
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n";

/// Serves these streams to the end of the input; the exit code.
fn serve(input: impl Into<Stdio>, output: impl Into<Stdio>, error: impl Into<Stdio>) -> Option<i32> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = latimer(folder.path());
    command.args(["serve", "--stdio"]).stdin(input).stdout(output).stderr(error);
    Process::start(&mut command).ended().code()
}

fn file_of(text: &str) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file
}

#[test]
fn files_are_read_and_written() {
    let mut output = tempfile::tempfile().unwrap();
    assert_eq!(serve(file_of(PINGS), output.try_clone().unwrap(), Stdio::null()), Some(0));
    let mut answers = String::new();
    output.seek(SeekFrom::Start(0)).unwrap();
    output.read_to_string(&mut answers).unwrap();
    assert_eq!(answers, PONGS);
}

#[test]
fn one_socket_may_be_both_streams_and_standard_error_too() {
    for with_error in [false, true] {
        let (mut near, far) = UnixStream::pair().unwrap();
        let again = || Stdio::from(OwnedFd::from(far.try_clone().unwrap()));
        let (input, output) = (again(), again());
        let error = if with_error { again() } else { Stdio::null() };
        drop(far);
        near.write_all(PINGS.as_bytes()).unwrap();
        near.shutdown(Shutdown::Write).unwrap();
        assert_eq!(serve(input, output, error), Some(0));
        let mut answers = String::new();
        near.read_to_string(&mut answers).unwrap();
        let answers: String =
            answers.lines().filter(|line| line.starts_with('{')).flat_map(|line| [line, "\n"]).collect();
        assert_eq!(answers, PONGS);
    }
}

#[test]
fn a_pipe_that_others_write_to_as_well_stays_as_it_was_for_them() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut other = writer.try_clone().unwrap();
    let reading = std::thread::spawn(move || {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        all
    });
    assert_eq!(serve(file_of(PINGS), writer, Stdio::null()), Some(0));
    // More than a pipe holds: a writer that does not block would fail here.
    other.write_all(&vec![b'x'; 1 << 20]).unwrap();
    drop(other);
    let all = reading.join().unwrap();
    assert!(all.starts_with(PONGS.as_bytes()));
    assert_eq!(all.len(), PONGS.len() + (1 << 20));
}

#[test]
fn no_input_at_all_is_an_end() {
    assert_eq!(serve(Stdio::null(), Stdio::null(), Stdio::null()), Some(0));
}
