use latimer::prelude::*;

struct Db;

#[tool]
async fn greet(name: &str) -> String {
    name.to_owned()
}

#[tool]
async fn count(db: &Db) -> u32 {
    0
}

#[tool]
async fn list(db: &State<Db>) -> u32 {
    0
}

fn main() {}
