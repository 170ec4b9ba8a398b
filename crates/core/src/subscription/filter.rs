//! What a `subscriptions/listen` asks for (SUB-1).

use std::collections::HashSet;
use std::sync::Arc;

use latimer_protocol::encode::write_object;
use latimer_protocol::{ErrorCode, OwnedParams, RawJson, RpcError};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{MOST_URI_BYTES, TASKS};
use crate::changes::{Interest, Listing};
use crate::context::Client;

/// The `notifications` of a request: what is asked for, and, with what cannot be had left out, what is honoured.
#[derive(Debug, Default)]
pub(super) struct Filter {
    pub(super) lists: Vec<Listing>,
    pub(super) uris: Vec<Arc<str>>,
    pub(super) tasks: Vec<Arc<str>>,
}

#[derive(Deserialize)]
struct ListenParams<'a> {
    #[serde(borrow)]
    notifications: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notifications<'a> {
    #[serde(borrow, default)]
    tools_list_changed: Option<&'a RawValue>,
    #[serde(borrow, default)]
    prompts_list_changed: Option<&'a RawValue>,
    #[serde(borrow, default)]
    resources_list_changed: Option<&'a RawValue>,
    #[serde(borrow, default)]
    resource_subscriptions: Option<&'a RawValue>,
    #[serde(borrow, default)]
    task_ids: Option<&'a RawValue>,
}

impl Filter {
    /// Reads the parameters of a request. `most` names may stand in each of its lists.
    ///
    /// # Errors
    /// -32602 where a member is missing, of the wrong type or too long; -32021 where the status of tasks is asked for by
    /// a client that does not know them (SUB-8).
    pub(super) fn read(params: &OwnedParams, client: &Client, most: usize) -> Result<Self, RpcError> {
        let raw = params.raw.clone().unwrap_or_else(RawJson::empty_object);
        let listen: ListenParams<'_> = serde_json::from_str(raw.as_str()).map_err(|_| {
            RpcError::invalid_params("\"params.notifications\" is missing; it says what to listen to")
        })?;
        if !listen.notifications.get().starts_with('{') {
            return Err(RpcError::invalid_params("\"params.notifications\" must be an object"));
        }
        let asked: Notifications<'_> = serde_json::from_str(listen.notifications.get())
            .map_err(|_| RpcError::invalid_params("\"params.notifications\" cannot be read"))?;
        let mut lists = Vec::new();
        for (member, value, listing) in [
            ("toolsListChanged", asked.tools_list_changed, Listing::Tools),
            ("promptsListChanged", asked.prompts_list_changed, Listing::Prompts),
            ("resourcesListChanged", asked.resources_list_changed, Listing::Resources),
        ] {
            match value.map(RawValue::get) {
                None | Some("false") => {}
                Some("true") => lists.push(listing),
                Some(_) => return Err(wrong(member, "must be true or false")),
            }
        }
        if asked.task_ids.is_some() && client.capabilities.extension(TASKS).is_none() {
            return Err(no_tasks());
        }
        Ok(Self {
            lists,
            uris: names("resourceSubscriptions", asked.resource_subscriptions, most)?,
            tasks: names("taskIds", asked.task_ids, most)?,
        })
    }

    /// Appends it as an object in which only what is there stands.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        write_object(out, |object| {
            for (member, listing) in [
                ("toolsListChanged", Listing::Tools),
                ("promptsListChanged", Listing::Prompts),
                ("resourcesListChanged", Listing::Resources),
            ] {
                if self.lists.contains(&listing) {
                    object.raw(member, "true");
                }
            }
            for (member, names) in [("resourceSubscriptions", &self.uris), ("taskIds", &self.tasks)] {
                if !names.is_empty() {
                    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
                    // Strings can always be written.
                    object.raw(member, &serde_json::to_string(&names).unwrap_or_default());
                }
            }
        });
    }

    pub(super) fn interest(&self) -> Interest {
        Interest { lists: self.lists.clone(), uris: self.uris.clone(), tasks: self.tasks.clone() }
    }
}

/// The strings of an array, each once.
fn names(member: &str, value: Option<&RawValue>, most: usize) -> Result<Vec<Arc<str>>, RpcError> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let mut names: Vec<Arc<str>> = serde_json::from_str::<Vec<String>>(value.get())
        .map_err(|_| wrong(member, "must be an array of strings"))?
        .into_iter()
        .map(Arc::from)
        .collect();
    if names.len() > most {
        return Err(wrong(
            member,
            &format!("names more than {most}; listen to the others in another request"),
        ));
    }
    if names.iter().map(|name| name.len()).sum::<usize>() > MOST_URI_BYTES {
        return Err(wrong(
            member,
            &format!("is larger than {MOST_URI_BYTES} bytes; listen to less in one request"),
        ));
    }
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    Ok(names)
}

fn wrong(member: &str, fault: &str) -> RpcError {
    RpcError::invalid_params(format!("\"params.notifications.{member}\" {fault}"))
}

fn no_tasks() -> RpcError {
    let message = format!("\"taskIds\" needs the extension {TASKS}, which this client did not declare");
    let error = RpcError::new(ErrorCode::MISSING_CLIENT_CAPABILITY, message);
    match RawJson::parse(format!("{{\"requiredCapabilities\":{{\"extensions\":{{\"{TASKS}\":{{}}}}}}}}")) {
        Ok(data) => error.with_data(data),
        Err(_) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use latimer_protocol::wire::ClientCapabilities;

    fn read(notifications: &str, capabilities: &str) -> Result<Filter, RpcError> {
        let raw = RawJson::parse(format!("{{\"notifications\":{notifications}}}")).unwrap();
        let params = OwnedParams { raw: Some(raw), ..OwnedParams::default() };
        let capabilities = ClientCapabilities::new(RawJson::parse(capabilities.to_owned()).unwrap()).unwrap();
        Filter::read(&params, &Client { capabilities, info: None }, 3)
    }

    #[test]
    fn sub_1_what_is_asked_for_is_read_and_written() {
        let asked = r#"{"toolsListChanged":true,"promptsListChanged":false,"resourcesListChanged":true,"resourceSubscriptions":["a:1","a:2","a:1"],"more":7}"#;
        let filter = read(asked, "{}").unwrap();
        assert_eq!(filter.lists, [Listing::Tools, Listing::Resources]);
        let mut out = Vec::new();
        filter.write(&mut out);
        let written =
            r#"{"toolsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["a:1","a:2"]}"#;
        assert_eq!(String::from_utf8(out).unwrap(), written);
        assert!(read("{}", "{}").unwrap().lists.is_empty());
    }

    #[test]
    fn what_is_not_so_is_told_by_its_member() {
        for (asked, message) in [
            ("[]", "\"params.notifications\" must be an object"),
            (r#"{"toolsListChanged":1}"#, "\"params.notifications.toolsListChanged\" must be true or false"),
            (
                r#"{"resourceSubscriptions":"a"}"#,
                "\"params.notifications.resourceSubscriptions\" must be an array of strings",
            ),
            (
                r#"{"resourceSubscriptions":["1","2","3","4"]}"#,
                "\"params.notifications.resourceSubscriptions\" names more than 3; listen to the others in another request",
            ),
        ] {
            let error = read(asked, "{}").unwrap_err();
            assert_eq!((error.code, &*error.message), (ErrorCode::INVALID_PARAMS, message), "{asked}");
        }
        let missing = Filter::read(&OwnedParams::default(), &Client::default(), 3).unwrap_err();
        assert_eq!(missing.code, ErrorCode::INVALID_PARAMS);
    }

    #[test]
    fn sub_8_the_status_of_tasks_is_for_clients_that_know_them() {
        let error = read(r#"{"taskIds":[]}"#, "{}").unwrap_err();
        assert_eq!(error.code, ErrorCode::MISSING_CLIENT_CAPABILITY);
        let required = r#"{"requiredCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}"#;
        assert_eq!(error.data.unwrap().as_str(), required);
        let knows = r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#;
        assert_eq!(read(r#"{"taskIds":["t"]}"#, knows).unwrap().tasks, ["t".into()]);
    }
}
