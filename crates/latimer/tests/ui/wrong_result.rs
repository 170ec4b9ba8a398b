use latimer::prelude::*;

struct Booking;

#[tool]
async fn book() -> Booking {
    Booking
}

#[resource("config://app")]
fn config() -> u32 {
    7
}

#[prompt]
fn ask() -> Option<String> {
    None
}

fn main() {}
