//! Questions that come as results, and the answers that go with the next request (MRTR-1 to MRTR-9).

use std::borrow::Cow;
use std::sync::Arc;

use latimer_protocol::RawJson;
use latimer_protocol::encode::write_object;
use latimer_protocol::frame::string;
use latimer_protocol::rewrite::{Edits, Step, member, members};
use tokio::task::JoinSet;

use crate::desk::{self, Desk};
use crate::error::{ClientError, Fault};

/// What a server asks, and the state that it wants to have back.
#[derive(Debug)]
pub(crate) struct Round {
    /// `None` if there was no such member.
    pub(crate) questions: Option<Vec<Question>>,
    /// JSON text, to be sent back as it came.
    pub(crate) state: Option<RawJson>,
}

/// A question under its key.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) key: String,
    method: String,
    params: Option<RawJson>,
}

impl Question {
    /// A question that came otherwise.
    pub(crate) fn of(index: usize, method: &str, params: RawJson) -> Self {
        Self { key: index.to_string(), method: method.to_owned(), params: Some(params) }
    }
}

/// Whether a server may ask in the result of this method (MRTR-1).
pub(crate) fn may_ask(method: &str) -> bool {
    matches!(method, "tools/call" | "prompts/get" | "resources/read")
}

impl Round {
    /// Reads a result of the type `input_required` (MRTR-2). `limit` bounds the number of questions.
    pub(crate) fn read(result: &RawJson, limit: usize) -> Result<Self, ClientError> {
        let state = member(result.as_str(), "requestState").ok().flatten().filter(|state| *state != "null");
        let state = state.map(|state| result.slice(state).map_err(|error| broken(error.to_string())));
        let state = state.transpose()?;
        if state.as_ref().is_some_and(|state| !state.as_str().starts_with('"')) {
            return Err(broken("its requestState is not a string"));
        }
        let questions = questions(result, limit)?;
        if state.is_none() && questions.as_ref().is_none_or(Vec::is_empty) {
            return Err(broken("it asks for input without a question"));
        }
        Ok(Self { questions, state })
    }
}

/// Reads `inputRequests`, if there are any.
pub(crate) fn questions(result: &RawJson, limit: usize) -> Result<Option<Vec<Question>>, ClientError> {
    let Some(requests) = member(result.as_str(), "inputRequests").ok().flatten() else { return Ok(None) };
    if !requests.starts_with('{') {
        return Err(broken("its inputRequests are no object"));
    }
    let mut questions = Vec::new();
    for request in members(requests) {
        let (key, request) = request.map_err(|error| broken(error.to_string()))?;
        if questions.len() == limit {
            return Err(broken(format!("it asks more than {limit} questions at a time")));
        }
        let method = member(request, "method").ok().flatten().and_then(string).map(Cow::into_owned);
        let params = member(request, "params").ok().flatten().map(|params| result.slice(params));
        questions.push(Question {
            key: key.into_owned(),
            method: method.ok_or_else(|| broken("an input request names no method"))?,
            params: params.transpose().map_err(|error| broken(error.to_string()))?,
        });
    }
    Ok(Some(questions))
}

/// Answers all questions, at a time; the object of the answers under their keys. `method` is the one of the call.
///
/// # Errors
/// When one of them is not answered: the others are then dropped.
pub(crate) async fn answers(
    desk: &Arc<Desk>,
    method: &str,
    questions: Vec<Question>,
) -> Result<String, ClientError> {
    let call = || method.to_owned();
    if let Some(question) = questions.iter().find(|question| !desk.handles(&question.method)) {
        let asked = question.method.chars().take(64).collect();
        return Err(Fault::Unanswered { method: call(), asked }.into());
    }
    let mut asking = JoinSet::new();
    let mut keys = Vec::new();
    for (index, Question { key, method, params }) in questions.into_iter().enumerate() {
        keys.push(key);
        let desk = Arc::clone(desk);
        asking.spawn(async move {
            let answer = desk::apart(&desk, method.clone(), params).await;
            (index, method, answer)
        });
    }
    let mut answers: Vec<Option<RawJson>> = vec![None; keys.len()];
    while let Some(answered) = asking.join_next().await {
        // What may panic does so in a task within.
        let Ok((index, asked, answer)) = answered else { continue };
        let answer = answer.map_err(|refusal| Fault::Refusal { method: call(), asked, refusal })?;
        if let Some(place) = answers.get_mut(index) {
            *place = Some(answer);
        }
    }
    let mut out = Vec::new();
    write_object(&mut out, |object| {
        for (key, answer) in keys.iter().zip(&answers) {
            object.optional_raw(key, answer.as_ref());
        }
    });
    // What was made of text only is text.
    Ok(String::from_utf8(out).unwrap_or_default())
}

/// The parameters of the next attempt (MRTR-4): the first ones, the answers, and the state if there was one.
pub(crate) fn retry(
    params: &str,
    answers: Option<&str>,
    state: Option<&RawJson>,
) -> Result<String, ClientError> {
    let mut edits = Edits::new();
    if let Some(answers) = answers {
        edits.set([Step::Member("inputResponses")], answers);
    }
    if let Some(state) = state {
        edits.set([Step::Member("requestState")], state.as_str());
    }
    let mut out = Vec::new();
    edits.apply(params, &mut out).map_err(|error| broken(error.to_string()))?;
    Ok(String::from_utf8(out).unwrap_or_default())
}

fn broken(detail: impl Into<String>) -> ClientError {
    ClientError::malformed("the server's answer", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Round, ClientError> {
        Round::read(&RawJson::parse(text.to_owned()).unwrap(), 2)
    }

    #[test]
    fn mrtr_2_a_round_has_questions_or_a_state() {
        let round =
            read(r#"{"requestState":"a\u002fb","inputRequests":{"k":{"method":"roots/list"}}}"#).unwrap();
        assert_eq!(round.state.unwrap().as_str(), r#""a\u002fb""#);
        assert_eq!(round.questions.unwrap()[0].key, "k");
        assert!(read(r#"{"requestState":"s"}"#).unwrap().questions.is_none());
        for bad in [
            "{}",
            r#"{"inputRequests":{}}"#,
            r#"{"requestState":null}"#,
            r#"{"requestState":5}"#,
            r#"{"inputRequests":[]}"#,
            r#"{"inputRequests":{"a":{}}}"#,
            r#"{"inputRequests":{"a":{"method":"m"},"b":{"method":"m"},"c":{"method":"m"}}}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn mrtr_4_a_retry_carries_the_state_to_the_byte_and_only_if_there_is_one() {
        let state = RawJson::parse(r#""a\u002fb""#).unwrap();
        let params = r#"{"name":"t","arguments":{"n":1.50}}"#;
        assert_eq!(
            retry(params, Some(r#"{"k":{"roots":[]}}"#), Some(&state)).unwrap(),
            r#"{"name":"t","arguments":{"n":1.50},"inputResponses":{"k":{"roots":[]}},"requestState":"a\u002fb"}"#
        );
        assert_eq!(
            retry(params, Some("{}"), None).unwrap(),
            r#"{"name":"t","arguments":{"n":1.50},"inputResponses":{}}"#
        );
    }
}
