use latimer::prelude::*;

#[derive(serde::Deserialize)]
struct Booking {
    party: u8,
}

#[tool]
async fn book(booking: Booking) -> String {
    booking.party.to_string()
}

fn main() {}
