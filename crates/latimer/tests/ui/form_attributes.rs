use latimer::prelude::*;

#[derive(Form)]
struct Unknown {
    #[form(pattern = "[a-z]+")]
    name: String,
}

#[derive(Form)]
#[form(title = "When")]
struct OnTheStruct {}

#[derive(Form)]
struct Format {
    #[form(format = "phone")]
    phone: String,
}

#[derive(Form)]
struct Upside {
    #[form(minimum = 10, maximum = 1)]
    number: u8,
}

#[derive(Form)]
struct Twice {
    one: bool,
    #[form(name = "one")]
    other: bool,
}

#[derive(Form)]
struct Tuple(String);

#[derive(Form)]
struct Generic<T> {
    value: T,
}

#[derive(Form)]
enum Colour {
    Red,
}

fn main() {}
