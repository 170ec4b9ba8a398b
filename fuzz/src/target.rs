//! What there is to be fuzzed.

use crate::targets::{
    config, env_file, frame, interpolate, lines, param_header, request_state, rewrite, sentinel, sse,
};

/// Something that takes any bytes and panics where a promise is broken.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is also that of its corpus and of its libFuzzer wrapper.
    pub name: &'static str,
    /// Runs it once.
    pub run: fn(&[u8]),
    /// Words of its grammar, which mutations insert.
    pub words: &'static [&'static str],
}

impl Target {
    /// The target of this name.
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.into_iter().find(|target| target.name == name)
    }
}

/// All targets.
pub const TARGETS: [Target; 10] = [
    Target { name: "frame", run: frame::run, words: frame::WORDS },
    Target { name: "rewrite", run: rewrite::run, words: rewrite::WORDS },
    Target { name: "lines", run: lines::run, words: lines::WORDS },
    Target { name: "sse", run: sse::run, words: sse::WORDS },
    Target { name: "sentinel", run: sentinel::run, words: sentinel::WORDS },
    Target { name: "param_header", run: param_header::run, words: param_header::WORDS },
    Target { name: "request_state", run: request_state::run, words: request_state::WORDS },
    Target { name: "config", run: config::run, words: config::WORDS },
    Target { name: "env_file", run: env_file::run, words: env_file::WORDS },
    Target { name: "interpolate", run: interpolate::run, words: interpolate::WORDS },
];
