//! How many files and connections the process may have open at once.

/// Allows the process as many as the system lets it have: what a shell allows at first is too few for a server. Where it
/// cannot, what holds stays.
#[cfg(unix)]
pub(crate) fn raise() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the process may not have more files open than at first");
    }
}

/// There is no limit that could be raised.
#[cfg(not(unix))]
pub(crate) fn raise() {}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use rustix::process::{Resource, getrlimit, setrlimit};

    use super::raise;

    #[test]
    fn as_many_files_may_be_open_as_the_system_allows() {
        let mut few = getrlimit(Resource::Nofile);
        few.current = Some(256);
        setrlimit(Resource::Nofile, few).expect("lowered");
        raise();
        let now = getrlimit(Resource::Nofile);
        assert_eq!(now.current, few.maximum);
    }
}
