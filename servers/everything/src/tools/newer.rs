//! What the original has, under the names that the newer server gives it.

use latimer::{IntoPrompt, IntoTool, Server};

use super::{asking, basic, long};
use crate::prompts;

pub(crate) fn add(server: Server) -> Server {
    server
        .tool(basic::sum.into_tool().named("get-sum"))
        .tool(basic::tiny_image.into_tool().named("get-tiny-image"))
        .tool(basic::annotated_message.into_tool().named("get-annotated-message"))
        .tool(long::long_running.into_tool().named("trigger-long-running-operation"))
        .tool(asking::sampling.into_tool().named("trigger-sampling-request"))
        .prompt(prompts::simple.into_prompt().named("simple-prompt"))
}
