//! Who is calling.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// A caller as the server knows it, bound to every record that a request leaves behind (SEC-1).
///
/// Cheap to clone. Two principals are the same caller when they are equal.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Principal(Arc<Inner>);

#[derive(PartialEq, Eq, Hash)]
struct Inner {
    name: Option<Box<str>>,
    scopes: Box<[Box<str>]>,
}

impl Principal {
    /// The caller that no credentials name.
    pub fn anonymous() -> Self {
        Self(Arc::new(Inner { name: None, scopes: Box::default() }))
    }

    /// A caller known by name, with the scopes it was granted.
    pub fn named(name: &str, scopes: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut scopes: Vec<Box<str>> = scopes.into_iter().map(|scope| scope.as_ref().into()).collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self(Arc::new(Inner { name: Some(name.into()), scopes: scopes.into() }))
    }

    /// Its name; `None` for the anonymous caller.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Whether no credentials name it.
    pub fn is_anonymous(&self) -> bool {
        self.0.name.is_none()
    }

    /// The scopes it was granted, sorted.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.0.scopes.iter().map(AsRef::as_ref)
    }

    /// Whether it was granted a scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.0.scopes.binary_search_by(|granted| granted.as_ref().cmp(scope)).is_ok()
    }

    /// The text under which records of this caller are kept: no two callers share it.
    pub fn key(&self) -> String {
        match self.name() {
            Some(name) => format!("user:{name}"),
            None => "anonymous".to_owned(),
        }
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or("anonymous"))
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// The process on the other end of our standard streams, or code in our own process.
    Local,
    /// A network address; behind trusted proxies, the one that they report.
    Address(IpAddr),
}

/// Whom the limits per caller count a request against: its principal, or, where that is anonymous,
/// its address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// An identified principal.
    Principal(Principal),
    /// An anonymous caller's origin.
    Peer(Peer),
}

impl Account {
    /// The account of a caller.
    pub fn of(principal: &Principal, peer: Peer) -> Self {
        if principal.is_anonymous() { Self::Peer(peer) } else { Self::Principal(principal.clone()) }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal(principal) => f.write_str(&principal.key()),
            Self::Peer(Peer::Local) => f.write_str("peer:local"),
            Self::Peer(Peer::Address(address)) => write!(f, "peer:{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_1_no_name_can_pose_as_the_anonymous_caller() {
        let names = ["anonymous", "", "user:anonymous"];
        let mut keys: Vec<_> = names.iter().map(|name| Principal::named(name, [""; 0]).key()).collect();
        keys.push(Principal::anonymous().key());
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 4);
    }

    #[test]
    fn scopes_are_found_whatever_their_order() {
        let alice = Principal::named("alice", ["write", "read", "read"]);
        assert!(alice.has_scope("read") && alice.has_scope("write") && !alice.has_scope("rea"));
        assert_eq!(alice, Principal::named("alice", ["read", "write"]));
        assert_ne!(alice, Principal::named("alice", ["read"]));
    }

    #[test]
    fn anonymous_callers_are_counted_by_address() {
        let peer = Peer::Address(IpAddr::from([127, 0, 0, 1]));
        assert_eq!(Account::of(&Principal::anonymous(), peer), Account::Peer(peer));
        assert_eq!(Account::of(&Principal::named("a", [""; 0]), peer).to_string(), "user:a");
    }
}
