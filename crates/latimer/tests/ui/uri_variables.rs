use latimer::prelude::*;

#[resource]
fn nowhere() -> String {
    String::new()
}

#[resource("user://{id}/{part}")]
fn missing(id: u64) -> String {
    id.to_string()
}

#[resource("user://{id}")]
fn misspelt(user: u64) -> String {
    user.to_string()
}

#[resource("config://app")]
fn fixed(name: String) -> String {
    name
}

fn main() {}
