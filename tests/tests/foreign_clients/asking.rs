//! What the clients in this process have in common when servers ask them: who answers, and what has to be asked.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use latimer_tests::cell::{Cell, Outcome};
use serde_json::{Map, Value};
use tokio::sync::watch;

/// What went wrong with a deed.
pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// What was seen, or why the deed failed.
pub(crate) type Seen = Result<String, Fault>;

/// A deed that the client has no way to do; the text says how that showed.
#[derive(Debug)]
pub(crate) struct Cannot(pub(crate) String);

impl std::fmt::Display for Cannot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Cannot {}

pub(crate) fn cell(deed: &str, seen: Seen) -> Cell {
    let (outcome, detail) = match seen {
        Ok(detail) => (Outcome::Yes, detail),
        Err(error) if error.is::<Cannot>() => (Outcome::Cannot, error.to_string()),
        Err(error) => (Outcome::No, error.to_string()),
    };
    Cell { deed: deed.to_owned(), outcome, detail }
}

/// Answers a question with an answer, or with why there is none.
type Answer = Arc<dyn Fn(Value) -> Pin<Box<dyn Future<Output = Result<Value, String>> + Send>> + Send + Sync>;

/// Who answers the server, for the deed that is being done.
#[derive(Clone, Default)]
pub(crate) struct Answers(Arc<Mutex<Who>>);

#[derive(Default)]
struct Who {
    user: Option<Answer>,
    model: Option<Answer>,
}

impl Answers {
    /// The user fills in the form that is `asked` for, given as JSON of its schema.
    pub(crate) async fn user(&self, schema: Value) -> Result<Value, String> {
        let user = self.0.lock().unwrap_or_else(PoisonError::into_inner).user.clone();
        user.ok_or("asked out of turn")?(schema).await
    }

    /// The model answers to the messages of a conversation.
    pub(crate) async fn model(&self, messages: Value) -> Result<Value, String> {
        let model = self.0.lock().unwrap_or_else(PoisonError::into_inner).model.clone();
        model.ok_or("asked out of turn")?(messages).await
    }

    /// For the deed of a form: it is filled in as `demo` says.
    pub(crate) fn fill(&self, demo: &Value) {
        let demo = demo.clone();
        self.set(Some(answer(move |schema| std::future::ready(filled(&schema, &demo)))), None);
    }

    /// For the deed of sampling: the model says what `demo` says.
    pub(crate) fn say(&self, demo: &Value) {
        let demo = demo.clone();
        let model = answer(move |messages| {
            let asked = text(&demo["asked"]);
            std::future::ready(if messages.to_string().contains(&asked) {
                Ok(demo["answer"].clone())
            } else {
                Err(format!("asked for something else: {messages}"))
            })
        });
        self.set(None, Some(model));
    }

    /// For the deed of two questions: neither is answered before the other is asked.
    pub(crate) fn both(&self, demo: &Value) {
        let demo = demo.clone();
        let asked = Arc::new((watch::Sender::new(false), watch::Sender::new(false)));
        let user = {
            let (asked, demo) = (Arc::clone(&asked), demo.clone());
            answer(move |schema| {
                let (asked, filled) = (Arc::clone(&asked), filled(&schema, &demo));
                async move {
                    asked.0.send_replace(true);
                    seen(&asked.1).await?;
                    filled
                }
            })
        };
        let model = answer(move |_| {
            let (asked, said) = (Arc::clone(&asked), demo["answer"].clone());
            async move {
                asked.1.send_replace(true);
                seen(&asked.0).await?;
                Ok(said)
            }
        });
        self.set(Some(user), Some(model));
    }

    /// Nobody answers any more.
    pub(crate) fn nobody(&self) {
        self.set(None, None);
    }

    fn set(&self, user: Option<Answer>, model: Option<Answer>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Who { user, model };
    }
}

fn answer<F>(answer: impl Fn(Value) -> F + Send + Sync + 'static) -> Answer
where
    F: Future<Output = Result<Value, String>> + Send + 'static,
{
    Arc::new(move |question| Box::pin(answer(question)))
}

async fn seen(asked: &watch::Sender<bool>) -> Result<(), String> {
    asked.subscribe().wait_for(|asked| *asked).await.map(drop).map_err(|error| error.to_string())
}

/// Fills in a form with the answers of `demo`, each of which it has to ask for.
fn filled(schema: &Value, demo: &Value) -> Result<Value, String> {
    for name in fields(&demo["answers"]).keys() {
        if schema["properties"].get(name).is_none() {
            return Err(format!("not asked for {name}: {schema}"));
        }
    }
    Ok(demo["answers"].clone())
}

/// Checks what the tool that asked for a form says that it was answered.
pub(crate) fn answered(said: &str, demo: &Value) -> Seen {
    let json = said.find('{').map(|at| &said[at..]).ok_or("the tool shows no answer")?;
    let shown: Value = serde_json::from_str(json)?;
    ensure(shown["action"] == "accept", || format!("the tool saw {said}"))?;
    for (name, value) in &fields(&demo["answers"]) {
        ensure(shown["content"].get(name) == Some(value), || format!("field {name}: {said}"))?;
    }
    Ok(shown["content"].to_string())
}

/// Checks that both answers of the deed of two questions came through.
pub(crate) fn both_answered(said: String, demo: &Value) -> Seen {
    let answers = fields(&demo["answers"]);
    for part in answers.values().chain([&demo["answer"]]) {
        contains(&said, part)?;
    }
    Ok(said)
}

pub(crate) fn contains(said: &str, part: &Value) -> Result<(), Fault> {
    let part = text(part);
    ensure(!part.is_empty() && said.contains(&part), || format!("without {part:?}: {said}"))
}

pub(crate) fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub(crate) fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(why().into()) }
}
