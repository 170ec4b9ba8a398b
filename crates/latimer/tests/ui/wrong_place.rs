use latimer::prelude::*;

#[tool]
struct Tool;

struct Bistro;

impl Bistro {
    #[tool]
    async fn book(&self) {}
}

#[latimer::tools]
impl Bistro {
    #[tool]
    async fn change(&mut self) {}
}

#[latimer::tools]
impl Bistro {
    fn nothing(&self) {}
}

#[tool]
async fn generic<T: Send>(value: T) {}

#[tool(inline)]
async fn inline() {}

#[tool]
fn opaque() -> impl std::fmt::Display {
    7
}

fn main() {}
