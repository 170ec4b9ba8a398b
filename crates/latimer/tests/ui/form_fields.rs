use latimer::prelude::*;
use std::time::Duration;

enum Colour {
    Red,
}

#[derive(Form)]
struct Stay {
    length: Duration,
    colour: Colour,
    names: Vec<String>,
}

#[derive(Form)]
struct Restricted {
    #[form(min_length = 1)]
    count: u8,
    #[form(maximum = 10)]
    name: String,
    #[form(max_items = 2)]
    flag: bool,
}

struct NoForm;

async fn ask(cx: &Context) -> Result<NoForm, AskError> {
    cx.elicit("key", "What?").await
}

fn main() {}
