use latimer::prelude::*;

#[tool(readonly)]
fn add(a: f64, b: f64) -> f64 {
    a + b
}

#[tool(read_only = "yes")]
fn subtract(a: f64, b: f64) -> f64 {
    a - b
}

#[tool(requires(telepathy))]
fn think() {}

#[tool(task = "maybe")]
fn wonder() {}

#[tool(resumable)]
fn resume() {}

#[tool]
fn multiply(#[arg(descripton = "one")] a: f64, b: f64) -> f64 {
    a * b
}

#[prompt(mime_type = "text/plain")]
fn ask() -> String {
    String::new()
}

fn main() {}
