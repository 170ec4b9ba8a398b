//! What a call carries.

use std::fmt::Write as _;

/// The text of the smallest payload.
pub const TEXT: &str = "abcdefghijklmnopqrstuvwxyz012345";

/// How many objects [`Payload::Records`] has.
const RECORDS: usize = 200;

/// The arguments of a call, and with them the tool that takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// A text of so many bytes, which `echo` gives back.
    Text(usize),
    /// 200 small objects, 15 KB as JSON, which `count` reads into a type of its own and counts.
    Records,
}

impl Payload {
    /// Those that are measured.
    pub const ALL: [Self; 4] = [Self::SMALL, Self::Text(4 << 10), Self::Text(64 << 10), Self::Records];
    /// 32 bytes.
    pub const SMALL: Self = Self::Text(TEXT.len());

    /// What it is called in tables and in the budget.
    pub fn name(self) -> &'static str {
        match self {
            Self::SMALL => "32 B",
            Self::Text(0x1000) => "4 KB",
            Self::Text(0x10000) => "64 KB",
            Self::Text(_) => "text",
            Self::Records => "200 objects",
        }
    }

    /// The tool that takes it.
    pub fn tool(self) -> &'static str {
        match self {
            Self::Text(_) => "echo",
            Self::Records => "count",
        }
    }

    /// The arguments as JSON.
    pub fn arguments(self) -> String {
        match self {
            Self::Text(bytes) => format!("{{\"message\":\"{}\"}}", text(bytes)),
            Self::Records => {
                let mut arguments = String::from("{\"records\":[");
                for at in 0..RECORDS {
                    let comma = if at == 0 { "" } else { "," };
                    let even = at % 2 == 0;
                    // Writing to a string cannot fail.
                    let _ = write!(
                        arguments,
                        "{comma}{{\"id\":{},\"name\":\"record number {at:03}\",\"even\":{even},\"weight\":{at}.25}}",
                        100_000 + at
                    );
                }
                arguments + "]}"
            }
        }
    }

    /// What the answer has to contain.
    pub fn answer(self) -> String {
        match self {
            Self::Text(bytes) => text(bytes),
            Self::Records => format!("{RECORDS} records"),
        }
    }
}

fn text(bytes: usize) -> String {
    TEXT.chars().cycle().take(bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_payload_has_the_size_that_its_name_says() {
        let sizes = Payload::ALL.map(|payload| payload.arguments().len());
        assert!((32..64).contains(&sizes[0]), "{sizes:?}");
        assert!((4096..4200).contains(&sizes[1]), "{sizes:?}");
        assert!((65_536..65_700).contains(&sizes[2]), "{sizes:?}");
        assert!((13_500..16_500).contains(&sizes[3]), "{sizes:?}");
    }
}
