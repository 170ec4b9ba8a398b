//! Messages that are meant to cost more than they are worth.

use crate::message::{self, Client};

/// A method that there is not.
const UNKNOWN: &str = "tools/none";

/// A `tools/call` whose arguments are made of one thing over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hostile {
    /// Small numbers.
    Zeros,
    /// Small objects.
    Records,
    /// Arrays in arrays.
    Nesting,
    /// Objects of an empty name.
    EmptyNames,
    /// Objects with long texts, few enough that the scan lets them pass: what comes behind it sees them.
    Passing,
    /// The same, for a method that there is not.
    UnknownMethod,
}

impl Hostile {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Zeros, Self::Records, Self::Nesting, Self::EmptyNames, Self::Passing, Self::UnknownMethod];

    /// What it is called in tables and in the budget.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zeros => "zeros",
            Self::Records => "records",
            Self::Nesting => "nesting",
            Self::EmptyNames => "empty names",
            Self::Passing => "passing records",
            Self::UnknownMethod => "unknown method",
        }
    }

    /// A message of 2026-07-28 that is at most `size` bytes long, and nearly so.
    pub fn body(self, size: usize) -> String {
        let room = size.saturating_sub(400);
        let filler = match self {
            Self::Zeros => fill("0", room),
            Self::Records => fill("{\"id\":1,\"name\":\"abc\",\"tags\":[\"x\",\"y\"]}", room),
            Self::Nesting => "[".repeat(room / 2) + &"]".repeat(room / 2),
            Self::EmptyNames => fill("{\"\":0}", room),
            // Two values each: as many as 65,536 leave room for.
            Self::Passing | Self::UnknownMethod => {
                fill(&format!("{{\"\":\"{}\"}}", "x".repeat(room / 32_000 - 8)), room)
            }
        };
        let call = message::body(Client::Modern, "echo", &format!("{{\"message\":{filler}}}"), 7);
        if self == Self::UnknownMethod { call.replacen("tools/call", UNKNOWN, 1) } else { call }
    }

    /// The same as an HTTP/1.1 request.
    pub fn request(self, size: usize) -> Vec<u8> {
        let body = self.body(size);
        if self == Self::UnknownMethod {
            return message::post(
                &format!("MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {UNKNOWN}\r\nMcp-Name: echo\r\n"),
                &body,
            );
        }
        message::post_call(Client::Modern, "echo", None, &body)
    }
}

/// An array of as many units as there is room for.
fn fill(unit: &str, room: usize) -> String {
    format!("[{}]", vec![unit; room / (unit.len() + 1)].join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_fills_the_room_that_it_is_given() {
        for hostile in Hostile::ALL {
            for size in [1 << 20, 8 << 20] {
                let length = hostile.body(size).len();
                assert!(length <= size && length > size / 100 * 99, "{hostile:?}: {length} of {size}");
            }
        }
    }
}
