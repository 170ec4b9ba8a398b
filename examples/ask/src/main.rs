//! A bistro that takes bookings, and asks its guests for what is missing.

use std::sync::Mutex;

use latimer::prelude::*;

/// When a guest comes.
#[derive(Form)]
#[form(check = is_open)]
struct When {
    /// The day of the dinner.
    #[form(title = "Day", format = "date")]
    day: String,
    /// The kitchen closes at ten.
    #[form(title = "Hour", minimum = 17, maximum = 22, default = 19)]
    hour: u8,
    #[form(title = "Table", default = Place::Inside)]
    place: Place,
}

#[derive(Clone, Copy, FormChoice)]
enum Place {
    #[form(name = "inside", title = "By the fire")]
    Inside,
    #[form(name = "garden", title = "In the garden")]
    Garden,
}

fn is_open(when: &When) -> Result<(), &'static str> {
    match (when.place, when.hour) {
        (Place::Garden, 21..) => Err("the garden closes at nine; come earlier, or sit inside"),
        _ => Ok(()),
    }
}

/// The tables that are held, by their numbers.
#[derive(Default)]
struct Tables(Mutex<Vec<String>>);

impl Tables {
    fn hold(&self, booking: &str) -> Result<usize, ToolError> {
        let mut held = self.0.lock().expect("no one panics while writing");
        if held.len() >= 12 {
            return Err(ToolError::new("the bistro is full; ask for another day"));
        }
        held.push(booking.to_owned());
        Ok(held.len())
    }
}

/// Books a table and asks for what is missing.
#[tool(requires(elicitation))]
async fn book(cx: &Context, tables: State<Tables>, party: u8) -> Result<String, ToolError> {
    let when: When = cx.elicit("when", "When would you like to come?").await?;
    let booking = format!("{party} on {} at {}", when.day, when.hour);
    // The function runs again with each answer, and holds one table all the same.
    let number = cx.once("hold", async { tables.hold(&booking) }).await?;
    match cx.elicit_answer::<Deposit>("deposit", "May we take a deposit of 20?").await? {
        Elicited::Accepted(_) => Ok(format!("table {number} for {booking}, with a deposit")),
        Elicited::Declined | Elicited::Cancelled => Ok(format!("table {number} for {booking}")),
    }
}

/// Nothing to fill in: the user only agrees.
#[derive(Form)]
struct Deposit {}

fn server() -> Server {
    Server::new("bistro").version(env!("CARGO_PKG_VERSION")).state(Tables::default()).tool(book)
}

fn main() -> latimer::Result {
    latimer::run(server())
}

#[cfg(test)]
mod tests {
    use super::*;
    use latimer::Revision;
    use latimer::wire::ElicitAction;

    #[tokio::test]
    async fn a_guest_is_asked_and_holds_one_table_in_every_era() {
        let client = server().test().await.unwrap();
        for (number, revision) in
            [Revision::V2025_06_18, Revision::V2025_11_25, Revision::V2026_07_28].into_iter().enumerate()
        {
            let mut tries = 0;
            let guest = client.revision(revision).on_elicit(move |asked| -> latimer::UserAnswer {
                if asked.message.starts_with("May we") {
                    return ElicitAction::Decline.into();
                }
                tries += 1;
                let hour = if tries == 1 { 21 } else { 20 };
                assert_eq!(asked.message.contains("the garden closes at nine"), tries == 2);
                json!({ "day": "2026-07-28", "hour": hour, "place": "garden" }).into()
            });
            let booked = guest.call("book", json!({ "party": 4 })).await.unwrap();
            assert_eq!(booked.text(), format!("table {} for 4 on 2026-07-28 at 20", number + 1));
        }
    }

    #[tokio::test]
    async fn a_client_without_a_user_is_refused() {
        assert!(server().test().await.unwrap().call("book", json!({ "party": 4 })).await.is_err());
    }
}
