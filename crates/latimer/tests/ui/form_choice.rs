use latimer::prelude::*;

#[derive(FormChoice)]
enum Shape {
    Square,
    Round(f64),
}

#[derive(FormChoice)]
enum Nothing {}

#[derive(FormChoice)]
struct Colour;

#[derive(FormChoice)]
enum Twice {
    One,
    #[form(name = "One")]
    Other,
}

#[derive(FormChoice)]
enum Unknown {
    #[form(label = "One")]
    One,
}

#[derive(Form)]
struct Drawing {
    shape: Shape,
}

fn main() {}
