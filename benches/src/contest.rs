//! Servers side by side over HTTP.

use std::error::Error;
use std::time::Duration;

use memchr::memmem;

use crate::entrant::{Entrant, Kind};
use crate::load::{self, Connection};
use crate::message::{self, Client};
use crate::payload::Payload;
use crate::process::Server;

impl Entrant {
    /// Starts the server and opens a session there, if it keeps any.
    ///
    /// # Errors
    /// When the program is not built, does not start or opens no session.
    pub fn start(self) -> Result<Contestant, Box<dyn Error>> {
        let server = self.launch()?;
        let mut contestant = Contestant { entrant: self, server, session: None };
        if self.kind == Kind::Sessions {
            let mut connection = Connection::open(contestant.server.address)?;
            contestant.session = Some(contestant.open_session(&mut connection)?);
        }
        Ok(contestant)
    }
}

/// A server that runs.
#[derive(Debug)]
pub struct Contestant {
    /// Which one.
    pub entrant: Entrant,
    /// Its process.
    pub server: Server,
    session: Option<String>,
}

/// What a stretch of time came to.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// CPU time of the server for each call, in microseconds.
    pub cpu: f64,
    /// Calls in a second.
    pub rate: f64,
    /// What half of the calls took at the most, in microseconds.
    pub p50: f64,
    /// What 99 of a hundred calls took at the most, in microseconds.
    pub p99: f64,
}

impl Contestant {
    /// Opens a session, as clients do.
    ///
    /// # Errors
    /// When the server does not.
    pub fn open_session(&self, connection: &mut Connection) -> Result<String, Box<dyn Error>> {
        let answer = connection.exchange(&message::initialize())?;
        let session = load::header(&answer.head, "mcp-session-id")
            .ok_or_else(|| format!("{}: no session in the answer {}", self.entrant.name, answer.head))?;
        connection.exchange(&message::initialized(session))?;
        Ok(session.to_owned())
    }

    /// The request that it is sent under an id.
    pub fn request(&self, client: Client, payload: Payload, id: u64) -> Vec<u8> {
        message::call(client, payload, self.session.as_deref().filter(|_| client == Client::Legacy), id)
    }

    /// Makes one call and looks whether its answer is right.
    ///
    /// # Errors
    /// When it is not.
    pub fn try_call(&self, client: Client, payload: Payload) -> Result<(), Box<dyn Error>> {
        let answer = Connection::open(self.server.address)?.exchange(&self.request(client, payload, 7))?;
        let wanted = match self.entrant.kind {
            Kind::Floor => payload.arguments(),
            Kind::Stateless | Kind::Sessions => payload.answer(),
        };
        if answer.status == 200 && memmem::find(&answer.body, wanted.as_bytes()).is_some() {
            return Ok(());
        }
        let body = String::from_utf8_lossy(&answer.body);
        Err(format!("{}, {client:?}, {payload:?}: {} {body:.300}", self.entrant.name, answer.status).into())
    }

    /// Loads the server for a time.
    ///
    /// # Errors
    /// When a connection fails or an answer is not a 200.
    pub fn load(
        &self,
        client: Client,
        payload: Payload,
        connections: usize,
        time: Duration,
    ) -> Result<Sample, Box<dyn Error>> {
        let requests: Vec<Vec<u8>> =
            (10..).take(connections).map(|id| self.request(client, payload, id)).collect();
        let before = self.server.cpu_nanos()?;
        let latencies = load::run(self.server.address, &requests, time)?;
        let spent = self.server.cpu_nanos()? - before;
        let calls = latencies.calls().max(1) as f64;
        Ok(Sample {
            cpu: spent as f64 / 1e3 / calls,
            rate: calls / time.as_secs_f64(),
            p50: latencies.percentile(50),
            p99: latencies.percentile(99),
        })
    }
}

/// The value in the middle.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    part(values, 2)
}

/// The value that a quarter stays below. What else a machine does makes CPU times longer, never shorter: the quarter that was
/// disturbed least says more of a server than the middle.
pub fn lower_quartile(values: impl Iterator<Item = f64>) -> f64 {
    part(values, 4)
}

fn part(values: impl Iterator<Item = f64>, of: usize) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / of).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_disturbs_a_few_rounds_changes_neither_part() {
        let rounds = |disturbed: f64| [10.0, disturbed, 11.0, 9.0, 10.5, 9.5, 12.0, 11.5].into_iter();
        assert_eq!((median(rounds(10.2)), median(rounds(99.0))), (10.5, 11.0));
        assert_eq!((lower_quartile(rounds(10.2)), lower_quartile(rounds(99.0))), (10.0, 10.0));
    }
}
