//! Other processes of this machine.

/// Whether a process of this number exists. One that has ended and is only waited for does not.
#[cfg(unix)]
#[must_use]
pub fn exists(pid: u32) -> bool {
    let Some(number) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { return false };
    match rustix::process::test_kill_process(number) {
        Ok(()) | Err(rustix::io::Errno::PERM) => state(pid).is_none_or(|state| state != 'Z' && state != 'X'),
        Err(_) => false,
    }
}

/// Whether a process of this number exists: not known here.
#[cfg(not(unix))]
#[must_use]
pub fn exists(pid: u32) -> bool {
    pid == std::process::id()
}

/// When a process began, in ticks since the machine did. Together with its number that names a process for ever, until the
/// machine is started anew. `None` where the system does not tell.
#[must_use]
pub fn birth(pid: u32) -> Option<u64> {
    // Field 22 of proc(5), counted from 1; what is read here begins with field 3.
    stat(pid)?.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// Leaves the session of whoever started this process, so that the end of a terminal is not its end. Where it cannot, it stays.
#[cfg(unix)]
pub fn leave_session() {
    // Refused to the leader of a group, whom no terminal stops by itself.
    let _ = rustix::process::setsid();
}

#[cfg(unix)]
fn state(pid: u32) -> Option<char> {
    stat(pid)?.trim_start().chars().next()
}

/// What stands in `/proc/PID/stat` behind the program's name, which may hold anything.
fn stat(pid: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')').map(|(_, rest)| rest.to_owned())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn a_process_exists_until_it_has_ended_even_if_nobody_has_waited_for_it() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("cat is everywhere");
        let pid = child.id();
        assert!(exists(pid) && exists(std::process::id()) && exists(1));
        assert!(birth(pid) >= birth(std::process::id()));
        drop(child.stdin.take());
        // Its output ends with it, though nobody has waited for it yet.
        while exists(pid) {
            std::thread::yield_now();
        }
        child.wait().expect("waited for");
        assert!(!exists(pid) && birth(pid).is_none() && !exists(0) && !exists(u32::MAX));
    }
}
