//! A client in the same process, for tests.

mod answers;
mod message;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use bytes::Bytes;
use bytestring::ByteString;
use latimer_core::engine::{self, Caller, Request};
use latimer_core::era::modern;
use latimer_core::outbox::Event;
use latimer_core::{Client, Engine, Peer, Principal, Scope};
use latimer_protocol::wire::{
    CallToolResult, ClientCapabilities, CompleteResult, ContentBlock, CreateMessageParams,
    CreateMessageResult, GetPromptResult, LogLevel, LogParams, ProgressParams, Prompt, ReadResourceResult,
    Resource, ResourceTemplate, Root, Tool,
};
use latimer_protocol::{Frame, Id, Message, OwnedParams, RawJson, RequestId, Revision, RpcError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use answers::{Answers, InputRequired, Question};
pub use answers::{Elicitation, UserAnswer};
use message::{
    Argument, Complete, Named, Notification, PromptPage, Reference, ResourcePage, Response, TemplatePage,
    ToolPage,
};

/// Calls a server of the same process, as a client would: what it sends is JSON text, and what it gets are
/// the bytes that would go over the wire. Only the transport is left out.
///
/// It speaks the newest revision until [`revision`](Self::revision) says otherwise, as the anonymous caller
/// until [`as_principal`](Self::as_principal) says otherwise.
#[derive(Clone, Debug)]
pub struct TestClient {
    engine: Engine,
    revision: Revision,
    principal: Principal,
    /// Those that it declares whatever it can answer.
    capabilities: Option<RawJson>,
    answers: Answers,
    ids: Arc<AtomicU64>,
    scope: Scope,
}

/// Why a request of the test client has no result.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// The server answered with an error.
    #[error("{0}")]
    Rpc(RpcError),
    /// The call was cancelled.
    #[error("the call was cancelled")]
    Cancelled,
    /// What was sent or came back is not the JSON that it should be.
    #[error("read the message: {0}")]
    Json(#[from] serde_json::Error),
    /// What was sent is no message.
    #[error("send the message: {0}")]
    Message(String),
}

/// What came back from a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Called {
    /// The result.
    pub result: CallToolResult,
    /// How far the call said it was, in order.
    pub progress: Vec<ProgressParams>,
    /// What the call logged for the client, in order.
    pub logs: Vec<LogParams>,
}

impl Called {
    /// All text of the result, a line for each block.
    pub fn text(&self) -> String {
        let texts: Vec<_> = self.result.content.iter().filter_map(ContentBlock::as_text).collect();
        texts.join("\n")
    }

    /// The structured content.
    ///
    /// # Errors
    /// When there is none, or it is not of the type.
    pub fn structured<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        self.result.structured_content.as_ref().map_or_else(|| serde_json::from_str("null"), RawJson::to)
    }

    /// Whether the tool failed.
    pub fn is_error(&self) -> bool {
        self.result.is_error
    }
}

/// A response, and what was sent before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// The response, as it would go over the wire.
    pub response: Bytes,
    /// The notifications before it, in order.
    pub notifications: Vec<Bytes>,
}

impl TestClient {
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            engine,
            revision: Revision::LATEST_MODERN,
            principal: Principal::anonymous(),
            capabilities: None,
            answers: Answers::default(),
            ids: Arc::default(),
            scope: scope(),
        }
    }

    /// The same client, speaking another revision.
    #[must_use]
    pub fn revision(&self, revision: Revision) -> Self {
        Self { revision, ..self.clone() }
    }

    /// The same client, as another caller.
    #[must_use]
    pub fn as_principal(&self, principal: Principal) -> Self {
        Self { principal, ..self.clone() }
    }

    /// The same client with capabilities of its own, a JSON object such as `{"sampling":{}}`.
    ///
    /// # Errors
    /// When they cannot be written as JSON.
    pub fn capabilities(&self, capabilities: impl Serialize) -> Result<Self, TestError> {
        let capabilities = Some(RawJson::from_serialize(&capabilities)?);
        Ok(Self { capabilities, ..self.clone() })
    }

    /// The same client with a user, who is asked to fill in forms and to open pages. It declares that it has one.
    ///
    /// The closure returns the content of the form from `json!`, or an
    /// [`ElicitAction`](latimer_protocol::wire::ElicitAction), such as `Decline`.
    #[must_use]
    pub fn on_elicit<A: Into<UserAnswer>>(
        &self,
        answer: impl FnMut(Elicitation) -> A + Send + 'static,
    ) -> Self {
        let mut client = self.clone();
        client.answers.on_elicit(answer);
        client
    }

    /// The same client with a model, which is asked for messages. It declares that it has one.
    #[must_use]
    pub fn on_sample(
        &self,
        answer: impl FnMut(CreateMessageParams) -> CreateMessageResult + Send + 'static,
    ) -> Self {
        let mut client = self.clone();
        client.answers.on_sample(answer);
        client
    }

    /// The same client with roots. It declares that it has some.
    #[must_use]
    pub fn with_roots(&self, roots: impl IntoIterator<Item = Root>) -> Self {
        let mut client = self.clone();
        client.answers.roots(roots.into_iter().collect());
        client
    }

    /// The server's engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Stops the server: its sources are closed.
    pub async fn close(&self) {
        self.engine.close().await;
    }

    /// Calls a tool. `arguments` is an object, usually from `json!`.
    ///
    /// # Errors
    /// When the server answers with an error. A tool that failed has a result, which says so.
    pub async fn call(&self, name: &str, arguments: impl Serialize) -> Result<Called, TestError> {
        let params = Named { name, arguments };
        let exchange = self.to_the_end("tools/call", &params).await?;
        let mut called = Called { result: result(&exchange)?, progress: Vec::new(), logs: Vec::new() };
        for notification in &exchange.notifications {
            let notification: Notification = serde_json::from_slice(notification)?;
            match notification.method.as_str() {
                "notifications/progress" => called.progress.push(notification.params.to()?),
                "notifications/message" => called.logs.push(notification.params.to()?),
                _ => {}
            }
        }
        Ok(called)
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// When the server answers with an error.
    pub async fn read(&self, uri: &str) -> Result<ReadResourceResult, TestError> {
        #[derive(Serialize)]
        struct Read<'a> {
            uri: &'a str,
        }
        self.request("resources/read", &Read { uri }).await
    }

    /// Gets a prompt. `arguments` is an object of strings, usually from `json!`.
    ///
    /// # Errors
    /// When the server answers with an error.
    pub async fn prompt(&self, name: &str, arguments: impl Serialize) -> Result<GetPromptResult, TestError> {
        self.request("prompts/get", &Named { name, arguments }).await
    }

    /// Completes an argument of a prompt from what was typed so far.
    ///
    /// # Errors
    /// When the server answers with an error.
    pub async fn complete_prompt(
        &self,
        prompt: &str,
        argument: &str,
        typed: &str,
    ) -> Result<CompleteResult, TestError> {
        self.complete(Reference::Prompt { name: prompt }, argument, typed).await
    }

    /// Completes a variable of a resource template from what was typed so far.
    ///
    /// # Errors
    /// When the server answers with an error.
    pub async fn complete_resource(
        &self,
        uri_template: &str,
        variable: &str,
        typed: &str,
    ) -> Result<CompleteResult, TestError> {
        self.complete(Reference::Resource { uri: uri_template }, variable, typed).await
    }

    /// All tools.
    ///
    /// # Errors
    /// When the server answers with an error; a server without tools does.
    pub async fn list_tools(&self) -> Result<Vec<Tool>, TestError> {
        self.list("tools/list", |page: ToolPage| (page.tools, page.next_cursor)).await
    }

    /// All resources.
    ///
    /// # Errors
    /// As [`list_tools`](Self::list_tools).
    pub async fn list_resources(&self) -> Result<Vec<Resource>, TestError> {
        self.list("resources/list", |page: ResourcePage| (page.resources, page.next_cursor)).await
    }

    /// All resource templates.
    ///
    /// # Errors
    /// As [`list_tools`](Self::list_tools).
    pub async fn list_resource_templates(&self) -> Result<Vec<ResourceTemplate>, TestError> {
        let method = "resources/templates/list";
        self.list(method, |page: TemplatePage| (page.resource_templates, page.next_cursor)).await
    }

    /// All prompts.
    ///
    /// # Errors
    /// As [`list_tools`](Self::list_tools).
    pub async fn list_prompts(&self) -> Result<Vec<Prompt>, TestError> {
        self.list("prompts/list", |page: PromptPage| (page.prompts, page.next_cursor)).await
    }

    /// Sends a request of any method and reads its result. What the server asks meanwhile is answered.
    ///
    /// # Errors
    /// When the server answers with an error, or the result is not of the type.
    pub async fn request<R: DeserializeOwned>(
        &self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<R, TestError> {
        result(&self.to_the_end(method, params).await?)
    }

    /// Sends a request of any method; `params` is an object without `_meta`. What the server asks in a session is
    /// answered; a result that asks is returned as it is.
    ///
    /// # Errors
    /// When the parameters are no object that a message may have, or the call was cancelled. An error
    /// response is none.
    pub async fn exchange(&self, method: &str, params: &impl Serialize) -> Result<Exchange, TestError> {
        self.send(method, params, "").await
    }

    /// Sends a request again and again with the answers that its results ask for.
    async fn to_the_end(&self, method: &str, params: &impl Serialize) -> Result<Exchange, TestError> {
        let mut before = Vec::new();
        let mut more = String::new();
        loop {
            let mut exchange = self.send(method, params, &more).await?;
            before.append(&mut exchange.notifications);
            let response: Response = serde_json::from_slice(&exchange.response)?;
            let asked = response.result.as_ref().and_then(|result| result.to::<InputRequired>().ok());
            let asked = asked.filter(|asked| asked.result_type.as_deref() == Some("input_required"));
            let Some(asked) = asked else { return Ok(Exchange { notifications: before, ..exchange }) };
            let mut answers = BTreeMap::new();
            for (key, question) in &asked.input_requests {
                // Who refuses does not come back (MRTR-9).
                let answer = self.answers.answer(question)?.map_err(TestError::Rpc)?;
                answers.insert(key, answer);
            }
            more = format!(",\"inputResponses\":{}", serde_json::to_string(&answers)?);
            if let Some(state) = asked.request_state {
                more.push_str(&format!(",\"requestState\":{}", serde_json::to_string(&state)?));
            }
        }
    }

    async fn send(&self, method: &str, params: &impl Serialize, more: &str) -> Result<Exchange, TestError> {
        let number = self.ids.fetch_add(1, Ordering::Relaxed);
        let text = ByteString::from(self.message(number, method, params, more)?);
        let limits = self.engine.limits().json;
        let message = |error: &dyn std::fmt::Display| TestError::Message(error.to_string());
        let frame = Frame::decode(&text, &limits).map_err(|error| message(&error))?;
        let Frame::Message(Message::Request(request)) = frame else {
            return Err(message(&"not a request"));
        };
        let id = RequestId::from(number);
        let params = request.params.detach(&text);
        match self.begin(id, &request.method, params) {
            Ok(pending) => self.run(pending).await,
            Err(error) => Err(TestError::Rpc(error)),
        }
    }

    fn begin(&self, id: RequestId, method: &str, params: OwnedParams) -> Result<engine::Pending, RpcError> {
        let method = self.engine.method(method, self.revision)?;
        let (client, log_level) = if self.revision.is_modern() {
            modern::client(&params.meta)?
        } else {
            let capabilities = RawJson::parse(self.declared())
                .map_err(|error| RpcError::invalid_params(error.to_string()))?;
            let capabilities = ClientCapabilities::new(capabilities);
            let invalid = |_| RpcError::invalid_params("the client's capabilities are no object");
            (Client { capabilities: capabilities.map_err(invalid)?, info: None }, Some(LogLevel::Debug))
        };
        let caller = Caller {
            revision: self.revision,
            principal: self.principal.clone(),
            peer: Peer::Local,
            session: None,
            scope: (!self.revision.is_modern()).then(|| self.scope.clone()),
            client,
            log_level,
            trace: None,
        };
        Ok(self.engine.begin(Request { id, method, params, caller }))
    }

    /// Runs a call to its end, keeps what it says, and answers what it asks.
    async fn run(&self, mut pending: engine::Pending) -> Result<Exchange, TestError> {
        enum Step {
            Said(Bytes),
            Done(Option<engine::Reply>),
        }
        let outbox = pending.outbox().clone();
        let mut notifications = Vec::new();
        loop {
            let step = poll_fn(|cx| {
                let reply = match std::pin::Pin::new(&mut pending).poll(cx) {
                    // What was said before the reply comes first.
                    Poll::Ready(reply) if outbox.is_empty() => return Poll::Ready(Step::Done(reply)),
                    Poll::Ready(reply) => Some(reply),
                    Poll::Pending => None,
                };
                if let Some(reply) = reply {
                    while let Some(event) = outbox.pop() {
                        if let Event::Message(message) = event {
                            notifications.push(message);
                        }
                    }
                    return Poll::Ready(Step::Done(reply));
                }
                match outbox.poll_pop(cx) {
                    Poll::Ready(Event::Message(message)) => Poll::Ready(Step::Said(message)),
                    Poll::Ready(Event::Disconnect { .. }) => {
                        cx.waker().wake_by_ref();
                        Poll::Pending
                    }
                    Poll::Pending => Poll::Pending,
                }
            })
            .await;
            match step {
                Step::Done(reply) => {
                    let response = reply.ok_or(TestError::Cancelled)?.bytes;
                    return Ok(Exchange { response, notifications });
                }
                Step::Said(message) => {
                    if !self.answer(&message).await? {
                        notifications.push(message);
                    }
                }
            }
        }
    }

    /// Answers a message if it asks something.
    async fn answer(&self, message: &[u8]) -> Result<bool, TestError> {
        let question: Question = serde_json::from_slice(message)?;
        let Some(id) = question.id.as_ref().and_then(|id| Id::from_json(id.as_str())) else {
            return Ok(false);
        };
        let outcome = match self.answers.answer(&question)? {
            Ok(result) => Ok(result),
            Err(error) => {
                let mut out = Vec::new();
                error.write(&mut out);
                let error = RawJson::parse_bytes(out.into());
                Err(error.map_err(|error| TestError::Message(error.to_string()))?)
            }
        };
        let answered = self.engine.questions().answer(&self.scope, &id.to_owned(), outcome).await;
        answered.map_err(|error| TestError::Message(error.to_string()))?;
        Ok(true)
    }

    /// What the client says that it can do.
    fn declared(&self) -> String {
        match &self.capabilities {
            Some(capabilities) => capabilities.as_str().to_owned(),
            None => self.answers.capabilities(),
        }
    }

    /// The text of a request; `more` are members for its parameters, with a comma before each.
    fn message(
        &self,
        id: u64,
        method: &str,
        params: &impl Serialize,
        more: &str,
    ) -> Result<String, TestError> {
        let params = serde_json::to_string(params)?;
        let Some(members) = params.strip_prefix('{') else {
            return Err(TestError::Message("the parameters are no object".to_owned()));
        };
        let comma = if members.trim_start().starts_with('}') { "" } else { "," };
        let mut meta = format!("\"progressToken\":{id}");
        if self.revision.is_modern() {
            meta.push_str(&format!(
                ",\"io.modelcontextprotocol/protocolVersion\":\"{}\",\
                 \"io.modelcontextprotocol/clientCapabilities\":{},\
                 \"io.modelcontextprotocol/logLevel\":\"debug\"",
                self.revision,
                self.declared()
            ));
        }
        let method = serde_json::to_string(method)?;
        Ok(format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":{method},\"params\":{{\"_meta\":{{{meta}}}{more}{comma}{members}}}"
        ))
    }

    async fn complete(
        &self,
        reference: Reference<'_>,
        argument: &str,
        typed: &str,
    ) -> Result<CompleteResult, TestError> {
        let argument = Argument { name: argument, value: typed };
        self.request("completion/complete", &Complete { reference, argument }).await
    }

    async fn list<P: DeserializeOwned, T>(
        &self,
        method: &str,
        split: impl Fn(P) -> (Vec<T>, Option<String>),
    ) -> Result<Vec<T>, TestError> {
        #[derive(Default, Serialize)]
        struct From {
            #[serde(skip_serializing_if = "Option::is_none")]
            cursor: Option<String>,
        }
        let mut all = Vec::new();
        let mut from = From::default();
        loop {
            let (mut page, next) = split(self.request(method, &from).await?);
            all.append(&mut page);
            match next {
                Some(cursor) => from.cursor = Some(cursor),
                None => return Ok(all),
            }
        }
    }
}

/// A connection that no transport has: their numbers count from below.
fn scope() -> Scope {
    static NEXT: AtomicU64 = AtomicU64::new(u64::MAX);
    Scope::Connection(NEXT.fetch_sub(1, Ordering::Relaxed))
}

fn result<R: DeserializeOwned>(exchange: &Exchange) -> Result<R, TestError> {
    let response: Response = serde_json::from_slice(&exchange.response)?;
    match (response.result, response.error) {
        (Some(result), None) => Ok(result.to()?),
        (_, Some(error)) => Err(TestError::Rpc(error.into())),
        (None, None) => Err(TestError::Message("the response has neither result nor error".to_owned())),
    }
}
