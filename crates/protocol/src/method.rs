//! The methods of the protocol: which revisions know them, who may send them, what they presuppose.

use crate::revision::Revision;

/// Who sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The client.
    ToServer,
    /// The server.
    ToClient,
    /// Either.
    Both,
}

/// Whether a message wants an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It does.
    Request,
    /// It does not.
    Notification,
}

/// The parameter that `Mcp-Name` mirrors over HTTP (HDR-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameParam {
    /// `params.name`.
    Name,
    /// `params.uri`.
    Uri,
    /// `params.taskId`.
    TaskId,
}

/// One row of the table of methods.
#[derive(Debug, PartialEq, Eq)]
pub struct Method {
    /// The name on the wire.
    pub name: &'static str,
    /// Request or notification.
    pub kind: Kind,
    /// Who may send it.
    pub direction: Direction,
    /// The first revision that has it.
    pub since: Revision,
    /// The last revision that has it.
    pub until: Revision,
    /// The server capability (or, sent to the client, the client capability) without which it is not served.
    pub capability: Option<&'static str>,
    /// What `Mcp-Name` has to repeat, from 2026-07-28 on.
    pub name_param: Option<NameParam>,
    /// Whether its result carries `ttlMs` and `cacheScope` from 2026-07-28 on (CACHE-1).
    pub cacheable: bool,
}

use Direction::{Both, ToClient, ToServer};
use Kind::{Notification, Request};
use Revision::{V2024_11_05 as R24, V2025_06_18 as R06, V2025_11_25 as R11, V2026_07_28 as R26};

const fn row(
    name: &'static str,
    kind: Kind,
    direction: Direction,
    since: Revision,
    until: Revision,
    capability: Option<&'static str>,
) -> Method {
    Method { name, kind, direction, since, until, capability, name_param: None, cacheable: false }
}

const fn named(mut method: Method, param: NameParam) -> Method {
    method.name_param = Some(param);
    method
}

const fn cacheable(mut method: Method) -> Method {
    method.cacheable = true;
    method
}

/// Every method of every revision, with those of the tasks extension (TX-4 to TX-6).
pub const METHODS: &[Method] = &[
    row("initialize", Request, ToServer, R24, R11, None),
    cacheable(row("server/discover", Request, ToServer, R26, R26, None)),
    row("ping", Request, Both, R24, R11, None),
    row("completion/complete", Request, ToServer, R24, R26, Some("completions")),
    row("logging/setLevel", Request, ToServer, R24, R11, Some("logging")),
    cacheable(row("prompts/list", Request, ToServer, R24, R26, Some("prompts"))),
    named(row("prompts/get", Request, ToServer, R24, R26, Some("prompts")), NameParam::Name),
    cacheable(row("resources/list", Request, ToServer, R24, R26, Some("resources"))),
    cacheable(row("resources/templates/list", Request, ToServer, R24, R26, Some("resources"))),
    cacheable(named(row("resources/read", Request, ToServer, R24, R26, Some("resources")), NameParam::Uri)),
    row("resources/subscribe", Request, ToServer, R24, R11, Some("resources.subscribe")),
    row("resources/unsubscribe", Request, ToServer, R24, R11, Some("resources.subscribe")),
    row("subscriptions/listen", Request, ToServer, R26, R26, None),
    cacheable(row("tools/list", Request, ToServer, R24, R26, Some("tools"))),
    named(row("tools/call", Request, ToServer, R24, R26, Some("tools")), NameParam::Name),
    row("tasks/list", Request, Both, R11, R11, Some("tasks.list")),
    row("tasks/result", Request, Both, R11, R11, Some("tasks")),
    named(row("tasks/get", Request, Both, R11, R26, Some("tasks")), NameParam::TaskId),
    named(
        row("tasks/update", Request, ToServer, R26, R26, Some("extensions.io.modelcontextprotocol/tasks")),
        NameParam::TaskId,
    ),
    named(row("tasks/cancel", Request, Both, R11, R26, Some("tasks.cancel")), NameParam::TaskId),
    row("sampling/createMessage", Request, ToClient, R24, R11, Some("sampling")),
    row("roots/list", Request, ToClient, R24, R11, Some("roots")),
    row("elicitation/create", Request, ToClient, R06, R11, Some("elicitation")),
    row("notifications/initialized", Notification, ToServer, R24, R11, None),
    row("notifications/roots/list_changed", Notification, ToServer, R24, R11, Some("roots.listChanged")),
    row("notifications/cancelled", Notification, Both, R24, R26, None),
    row("notifications/progress", Notification, Both, R24, R26, None),
    row("notifications/message", Notification, ToClient, R24, R26, Some("logging")),
    row("notifications/resources/updated", Notification, ToClient, R24, R26, Some("resources.subscribe")),
    row(
        "notifications/resources/list_changed",
        Notification,
        ToClient,
        R24,
        R26,
        Some("resources.listChanged"),
    ),
    row("notifications/tools/list_changed", Notification, ToClient, R24, R26, Some("tools.listChanged")),
    row("notifications/prompts/list_changed", Notification, ToClient, R24, R26, Some("prompts.listChanged")),
    row("notifications/elicitation/complete", Notification, ToClient, R11, R11, Some("elicitation.url")),
    row("notifications/tasks/status", Notification, Both, R11, R11, Some("tasks")),
    row("notifications/subscriptions/acknowledged", Notification, ToClient, R26, R26, None),
    row(
        "notifications/tasks",
        Notification,
        ToClient,
        R26,
        R26,
        Some("extensions.io.modelcontextprotocol/tasks"),
    ),
];

impl Method {
    /// The row of a method, whatever the revision.
    pub fn named(name: &str) -> Option<&'static Self> {
        METHODS.iter().find(|method| method.name == name)
    }

    /// The row of a request that a client of this revision may send.
    pub fn request_to_server(name: &str, revision: Revision) -> Option<&'static Self> {
        Self::named(name)
            .filter(|method| method.kind == Request && method.direction != ToClient && method.is_in(revision))
    }

    /// Whether the revision has it.
    pub fn is_in(&self, revision: Revision) -> bool {
        self.since <= revision && revision <= self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_method_stands_twice() {
        for (at, method) in METHODS.iter().enumerate() {
            assert!(METHODS[..at].iter().all(|other| other.name != method.name), "{}", method.name);
        }
    }

    #[test]
    fn the_modern_era_has_exactly_the_requests_of_its_schema() {
        let mut names: Vec<_> = METHODS
            .iter()
            .filter(|method| Method::request_to_server(method.name, R26).is_some())
            .map(|method| method.name)
            .collect();
        names.retain(|name| !name.starts_with("tasks/"));
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "completion/complete",
                "prompts/get",
                "prompts/list",
                "resources/list",
                "resources/read",
                "resources/templates/list",
                "server/discover",
                "subscriptions/listen",
                "tools/call",
                "tools/list",
            ]
        );
    }

    #[test]
    fn cache_1_six_results_carry_hints() {
        assert_eq!(METHODS.iter().filter(|method| method.cacheable).count(), 6);
    }
}
