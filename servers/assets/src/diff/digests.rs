//! A digest for every value of a document, so that any two are compared at once.

use latimer_protocol::tape::{Kind, Node};
use sha2::{Digest as _, Sha256};

use super::members;

/// Half of a SHA-256: enough to tell apart what a message can hold, whoever wrote it.
pub(super) type Short = [u8; 16];

/// The digests of all values, by their index on the tape.
pub(super) struct Digests(Vec<Short>);

impl Digests {
    pub(super) fn of(root: Node<'_>) -> Self {
        let mut digests = Self(vec![Short::default(); root.tape().entries()]);
        digests.add(root);
        digests
    }

    /// That of a value.
    pub(super) fn get(&self, node: Node<'_>) -> Short {
        self.0.get(node.index() as usize).copied().unwrap_or_default()
    }

    fn add(&mut self, node: Node<'_>) -> Short {
        let mut hash = Sha256::new();
        match node.kind() {
            Kind::Array => {
                hash.update(b"[");
                for element in node.elements().into_iter().flatten() {
                    hash.update(self.add(element));
                }
            }
            Kind::Object => {
                hash.update(b"{");
                for (name, value) in members(node) {
                    hash.update((name.len() as u64).to_le_bytes());
                    hash.update(name.as_bytes());
                    hash.update(self.add(value));
                }
            }
            Kind::String => {
                hash.update(b"\"");
                hash.update(node.as_str().unwrap_or_default().as_bytes());
            }
            Kind::Number => {
                hash.update(b"0");
                hash.update(node.number_text().unwrap_or_default());
            }
            Kind::Bool => hash.update(if node.as_bool() == Some(true) { b"t" } else { b"f" }),
            Kind::Null => hash.update(b"n"),
        }
        let mut short = Short::default();
        short.copy_from_slice(&hash.finalize()[..16]);
        if let Some(own) = self.0.get_mut(node.index() as usize) {
            *own = short;
        }
        short
    }
}
