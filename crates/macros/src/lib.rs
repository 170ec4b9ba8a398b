//! The attributes of Latimer. Use them through the crate `latimer`, whose guide describes them.

mod builder;
mod docs;
mod form;
mod form_choice;
mod function;
mod item;
mod parameter;
mod prompt;
mod resource;
mod settings;
mod structured;
mod tool;
mod toolset;
mod uri;

use proc_macro::TokenStream;
use syn::parse_macro_input;

/// Turns a function into a tool.
///
/// `fn add` becomes `fn add() -> Tool`, for `Server::tool(add)`; the function itself is `add::call(…)`. Its
/// doc comment is the tool's description. Arguments are what the client sends, except those of the types
/// `&Context`, `Context`, `State<T>` and `Args<T>`.
///
/// | key | meaning |
/// |---|---|
/// | `name = "…"` | the tool's name, instead of the function's |
/// | `title = "…"` | its name for people |
/// | `description = "…"` | what it does, instead of the doc comment |
/// | `icons("https://…", …)` | pictures for it |
/// | `read_only`, `destructive`, `idempotent`, `open_world` | hints, each also `= true` or `= false` |
/// | `requires(elicitation, …)` | what the client must be able to do: `elicitation`, `elicitation_url`, `sampling`, `sampling_tools`, `roots` |
/// | `task = "…"` | whether its calls are tasks, whose results are fetched later: `"forbidden"` (as without it), `"optional"` or `"required"` |
/// | `resumable` | its tasks are run again from their journal when the server that ran them has gone |
/// | `scopes("admin", …)` | scopes without which the tool does not exist for a caller |
/// | `ui = "ui://…"` | the page of an MCP App that shows its results |
/// | `visibility(model, app)` | who may call it, in hosts that know MCP Apps |
/// | `inline` | a function that is not `async` runs in the caller's task: it must not block |
///
/// An argument may have a doc comment or `#[arg(name = "…", description = "…", default = …)]`. `Option<T>`
/// and arguments with a default may be left out.
#[proc_macro_attribute]
pub fn tool(attribute: TokenStream, item: TokenStream) -> TokenStream {
    item::expand(item::Kind::Tool, attribute.into(), item.into()).into()
}

/// Turns a function into a resource: `#[resource("config://app")]`, or, with variables in the URI, into a
/// resource template: `#[resource("user://{id}/profile")] async fn profile(id: String)`.
///
/// The arguments are the variables of the URI, of any type that is read from a string, and those that
/// are injected, as for [`macro@tool`]. `#[complete(…)]` on an argument suggests values for it.
///
/// | key | meaning |
/// |---|---|
/// | `name = "…"` | the resource's name, instead of the function's |
/// | `title = "…"` | its name for people |
/// | `description = "…"` | what it holds, instead of the doc comment |
/// | `mime_type = "…"` | the type of its contents |
/// | `size = …` | the size of its contents in bytes; not for templates |
/// | `icons("https://…", …)` | pictures for it |
/// | `requires(elicitation, …)` | what the client must be able to do: `elicitation`, `elicitation_url`, `sampling`, `sampling_tools`, `roots` |
/// | `scopes("admin", …)` | scopes without which the resource does not exist for a caller |
/// | `inline` | a function that is not `async` runs in the caller's task: it must not block |
#[proc_macro_attribute]
pub fn resource(attribute: TokenStream, item: TokenStream) -> TokenStream {
    item::expand(item::Kind::Resource, attribute.into(), item.into()).into()
}

/// Turns a function into a prompt.
///
/// The arguments come as strings: they may have any type that is read from one. `#[complete(…)]` on an
/// argument suggests values for it, and `#[arg(…)]` takes `title` too.
///
/// | key | meaning |
/// |---|---|
/// | `name = "…"` | the prompt's name, instead of the function's |
/// | `title = "…"` | its name for people |
/// | `description = "…"` | what it is good for, instead of the doc comment |
/// | `icons("https://…", …)` | pictures for it |
/// | `requires(elicitation, …)` | what the client must be able to do: `elicitation`, `elicitation_url`, `sampling`, `sampling_tools`, `roots` |
/// | `scopes("admin", …)` | scopes without which the prompt does not exist for a caller |
/// | `inline` | a function that is not `async` runs in the caller's task: it must not block |
#[proc_macro_attribute]
pub fn prompt(attribute: TokenStream, item: TokenStream) -> TokenStream {
    item::expand(item::Kind::Prompt, attribute.into(), item.into()).into()
}

/// Makes the methods of an `impl` block that have `#[tool]`, `#[resource]` or `#[prompt]` parts of a server,
/// for `Server::add(value)`. The methods stay what they are.
#[proc_macro_attribute]
pub fn tools(attribute: TokenStream, item: TokenStream) -> TokenStream {
    toolset::expand(&attribute.into(), item.into()).into()
}

/// Lets a tool return the type as structured content, with an output schema. The type must also derive
/// `serde::Serialize` and `schemars::JsonSchema`.
#[proc_macro_derive(Structured)]
pub fn structured(item: TokenStream) -> TokenStream {
    structured::expand(&parse_macro_input!(item as syn::DeriveInput)).into()
}

/// Makes a struct a form that a tool has the user fill in: `cx.elicit::<When>("when", "When will you come?")`.
///
/// Fields are `String`, `bool`, integers, `f32`, `f64`, enums with [`macro@FormChoice`], `Vec`s of such enums (several
/// may be chosen), and `Option`s of all these (they may be left out). A doc comment is what the user reads about the
/// field; the keys of `#[form(…)]` say more:
///
/// | key | meaning |
/// |---|---|
/// | `name = "…"` | the field's name, instead of the struct's |
/// | `title = "…"` | its name for people |
/// | `description = "…"` | what it is for, instead of the doc comment |
/// | `default = …` | what it holds at first, and when it is left out; an `Option` left out is `None` |
/// | `min_length = …`, `max_length = …` | how many characters text has |
/// | `format = "…"` | what text is: `email`, `uri`, `date` or `date-time` |
/// | `minimum = …`, `maximum = …` | which numbers may be given |
/// | `min_items = …`, `max_items = …` | how many may be chosen |
///
/// On the struct, `check = …` names a function from `&Self` to `Result<(), impl Display>` for what no key can say. What
/// does not fit is asked for again, with the reason.
///
/// Never ask for secrets with a form.
#[proc_macro_derive(Form, attributes(form))]
pub fn form(item: TokenStream) -> TokenStream {
    form::expand(&parse_macro_input!(item as syn::DeriveInput)).into()
}

/// Makes an enum without fields something that a user chooses from in a form with [`macro@Form`].
///
/// The names of the variants go over the wire. `#[form(name = "…")]` on a variant is another name for it, and
/// `#[form(title = "…")]` what the user reads.
#[proc_macro_derive(FormChoice, attributes(form))]
pub fn form_choice(item: TokenStream) -> TokenStream {
    form_choice::expand(&parse_macro_input!(item as syn::DeriveInput)).into()
}
