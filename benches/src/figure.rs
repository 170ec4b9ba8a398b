//! Figures that are the same on every run.

/// What is counted, and with it how exact the figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Allocations of a call, or the bytes of them.
    Call,
    /// Instructions of a call.
    Instructions,
    /// Bytes that a session keeps.
    Session,
    /// Bytes that a hostile message adds to the memory in use, at the most.
    Peak,
    /// Crates that `cargo build -p latimer` compiles.
    Crates,
    /// Bytes of a program that the system loads.
    Size,
}

impl Quantity {
    /// By how many per cent a figure may miss its budget, in both directions.
    pub fn tolerance(self) -> u64 {
        match self {
            Self::Call | Self::Crates => 0,
            // In debug builds, crates share their copies of generic functions, and whose copy it is hangs on the features and
            // the folder of the build: builds of the same code were seen 3 % apart.
            Self::Instructions => 5,
            Self::Session | Self::Peak | Self::Size => 10,
        }
    }

    /// Where to look when it has grown.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Call => {
                "look for a new box, clone, format or collect on the way of a call: crates/transport/src/http, crates/core/src/engine; \
                 `valgrind --tool=dhat target/debug/calls modern \"32 B\" 100` names the places"
            }
            Self::Instructions => {
                "look for a second pass over the message or a copy of it: `valgrind --tool=callgrind target/debug/calls modern \"32 B\" 100` \
                 and callgrind_annotate name the functions"
            }
            Self::Session => {
                "look at what is kept of a session: crates/core/src/session, and its record in crates/store"
            }
            Self::Peak => {
                "look at what is built of a message before it is refused: crates/transport/src/http/body.rs, the scan in \
                 crates/protocol, crates/core/src/validate"
            }
            Self::Size => {
                "a dependency more, or a generic function of many instances: `cargo tree -p latimer --edges normal --duplicates`, \
                 and `cargo bloat`, which has to be installed"
            }
            Self::Crates => {
                "`cargo tree -p latimer --edges normal,build --invert CRATE` names who brings a crate in"
            }
        }
    }
}

/// A measured figure, under the name that it has within its table of the budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// The tables within the table, and the key.
    pub name: Vec<String>,
    /// What is counted.
    pub quantity: Quantity,
    /// How much of it.
    pub value: u64,
}

impl Figure {
    /// A figure.
    pub fn new(name: &[&str], quantity: Quantity, value: u64) -> Self {
        Self { name: name.iter().map(|&part| part.to_owned()).collect(), quantity, value }
    }
}
