//! Prompts.

use std::num::NonZeroU32;
use std::str::FromStr;

use latimer::Partial;
use latimer::prelude::*;

use crate::resources::dynamic::{self, Kind, numbers};
use crate::resources::fixed;
use crate::tools::PICTURE;

pub(crate) fn add(server: Server) -> Server {
    server
        .prompt(simple)
        .prompt(complex)
        .prompt(of_resource)
        .prompt(arguments)
        .prompt(completable)
        .prompt(dynamic_resource)
}

/// A prompt without arguments.
#[prompt(name = "simple_prompt", title = "Simple prompt", inline)]
pub(crate) fn simple() -> &'static str {
    "This is a simple prompt without arguments."
}

/// A prompt with arguments, of three messages.
#[prompt(name = "complex_prompt", title = "Complex prompt", inline)]
fn complex(
    /// How free the answer may be.
    #[complete(["0", "0.5", "0.7", "1.0"])]
    temperature: String,
    /// The style of the answer.
    #[complete(["casual", "formal", "technical", "friendly"])]
    style: Option<String>,
) -> [PromptMessage; 3] {
    let style = style.map(|style| format!(", style={style}")).unwrap_or_default();
    [
        PromptMessage::user(format!(
            "This is a complex prompt with arguments: temperature={temperature}{style}"
        )),
        PromptMessage::assistant(
            "I understand. You've provided a complex prompt with temperature and style arguments. \
             How would you like me to proceed?",
        ),
        PromptMessage::user(ContentBlock::image(PICTURE, "image/png")),
    ]
}

/// The number of a static resource.
struct Number(u32);

impl FromStr for Number {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.parse().ok().filter(|number| (1..=fixed::MOST).contains(number));
        number.map(Self).ok_or("resourceId is a whole number from 1 to 100")
    }
}

/// A prompt with one of the hundred static resources in it.
#[prompt(name = "resource_prompt", title = "Prompt with a static resource", inline)]
fn of_resource(
    /// The number of the resource, from 1 to 100.
    #[arg(name = "resourceId")]
    #[complete(["1", "2", "3", "4", "5"])]
    id: Number,
) -> [PromptMessage; 2] {
    with_resource(id.0, fixed::contents(id.0))
}

fn with_resource(id: u32, resource: ResourceContents) -> [PromptMessage; 2] {
    [
        PromptMessage::user(format!(
            "This prompt includes Resource {id}. Please analyze the following resource:"
        )),
        PromptMessage::user(ContentBlock::resource(resource)),
    ]
}

/// Asks for the weather of a town.
#[prompt(name = "args-prompt", title = "Prompt with arguments", inline)]
fn arguments(
    /// The town.
    city: String,
    /// The state that it is in.
    state: Option<String>,
) -> String {
    let place = state.map_or_else(|| city.clone(), |state| format!("{city}, {state}"));
    format!("What's weather in {place}?")
}

/// Promotes somebody to lead a team. The names that are suggested depend on the department.
#[prompt(name = "completable-prompt", title = "Team management", inline)]
fn completable(
    /// The department.
    #[complete(["Engineering", "Sales", "Marketing", "Support"])]
    department: String,
    /// A member of it.
    #[complete(members)]
    name: String,
) -> String {
    format!("Please promote {name} to the head of the {department} team.")
}

async fn members(partial: Partial, _cx: Context) -> Vec<&'static str> {
    let department = partial.settled.iter().find(|(argument, _)| argument == "department");
    let members: [&str; 3] = match department.map(|(_, department)| department.as_str()) {
        Some("Engineering") => ["Alice", "Bob", "Charlie"],
        Some("Sales") => ["David", "Eve", "Frank"],
        Some("Marketing") => ["Grace", "Henry", "Iris"],
        Some("Support") => ["John", "Kim", "Lee"],
        _ => return Vec::new(),
    };
    let typed = partial.value.to_lowercase();
    members.into_iter().filter(|name| name.to_lowercase().starts_with(&typed)).collect()
}

/// A prompt with one of the dynamic resources in it.
#[prompt(name = "resource-prompt", title = "Prompt with a dynamic resource", inline)]
fn dynamic_resource(
    /// Whether its contents are text or bytes.
    #[arg(name = "resourceType")]
    #[complete(["Text", "Blob"])]
    kind: Kind,
    /// The number of the resource, any positive integer.
    #[arg(name = "resourceId")]
    #[complete(numbers)]
    id: NonZeroU32,
) -> [PromptMessage; 2] {
    with_resource(id.get(), dynamic::contents(kind, id.get()))
}
