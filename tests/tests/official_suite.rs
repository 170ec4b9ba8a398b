//! The official conformance suite, scenario by scenario, without a baseline of expected failures.
//!
//! Each scenario runs against a fixture server of its own, and then all of a revision in a row against one that serves
//! them all. They are named in the suite's own words: `tools_list` is `tools-list`.

use latimer_tests::suite::{Fixture, Release};

/// One test per scenario; after a colon stand the checks that must be among those that succeed, where the suite itself
/// would be content without them.
macro_rules! scenarios {
    ($release:ident, $revision:literal, [$($scenario:ident $(: [$($shown:literal),+])?),+ $(,)?]) => {
        $(
            #[test]
            fn $scenario() {
                pass(&Fixture::start(), stringify!($scenario), &[$($($shown),+)?]);
            }
        )+

        /// What one scenario leaves behind (sessions, streams) must not be in the way of the next.
        #[test]
        fn all_in_a_row_on_one_server() {
            let fixture = Fixture::start();
            $(pass(&fixture, stringify!($scenario), &[$($($shown),+)?]);)+
        }

        fn pass(fixture: &Fixture, name: &str, shown: &[&str]) {
            fixture.pass(Release::$release, $revision, &name.replace('_', "-"), shown);
        }
    };
}

mod on_2025_11_25 {
    use super::*;

    scenarios!(Alpha, "2025-11-25", [
        server_initialize: ["server-session-id-visible-ascii"],
        server_session_lifecycle: ["server-session-delete-accepted", "server-session-terminated-returns-404"],
        ping,
        completion_complete,
        tools_list: ["tools-name-format"],
        tools_call_simple_text,
        tools_call_image,
        tools_call_audio,
        tools_call_embedded_resource,
        tools_call_mixed_content,
        tools_call_error,
        tools_call_with_progress,
        json_schema_2020_12: ["sep-2106-composition-keywords-preserved", "sep-2106-conditional-keywords-preserved"],
        server_sse_multiple_streams: ["server-accepts-multiple-post-streams"],
        server_sse_polling: [
            "server-sse-priming-event",
            "server-sse-retry-field",
            "server-sse-disconnect-resume"
        ],
        resources_list,
        resources_read_text,
        resources_read_binary,
        resources_templates_read,
        prompts_list,
        prompts_get_simple,
        prompts_get_with_args,
        prompts_get_embedded_resource,
        prompts_get_with_image,
        dns_rebinding_protection: ["localhost-host-rebinding-rejected", "localhost-host-valid-accepted"],
    ]);
}

mod on_2026_07_28 {
    use super::*;

    scenarios!(Alpha, "2026-07-28", [
        server_stateless: [
            "sep-2575-server-identifies-in-result-meta",
            "sep-2575-server-rejects-undeclared-capability",
            "sep-2575-http-server-no-independent-requests-on-stream",
            "sep-2575-server-no-log-without-loglevel"
        ],
        completion_complete,
        tools_list: ["tools-name-format", "tools-list-deterministic-order"],
        tools_call_simple_text,
        tools_call_image,
        tools_call_audio,
        tools_call_embedded_resource,
        tools_call_mixed_content,
        tools_call_error,
        tools_call_with_progress,
        json_schema_2020_12,
        server_sse_multiple_streams: ["server-accepts-multiple-post-streams"],
        resources_list,
        resources_read_text,
        resources_read_binary,
        resources_templates_read,
        sep_2164_resource_not_found: ["sep-2164-error-code", "sep-2164-data-uri"],
        prompts_list,
        prompts_get_simple,
        prompts_get_with_args,
        prompts_get_embedded_resource,
        prompts_get_with_image,
        dns_rebinding_protection: ["localhost-host-rebinding-rejected", "localhost-host-valid-accepted"],
        caching: ["sep-2549-resources-read-caching-hints"],
        http_header_validation: ["sep-2243-server-reject-error-code"],
        http_custom_header_server_validation: ["sep-2243-server-decode-base64"],
    ]);
}

/// The release that is still what the package registry calls the latest, with the scenarios that it shares with the newer.
mod stable_on_2025_11_25 {
    use super::*;

    scenarios!(
        Stable,
        "2025-11-25",
        [
            server_initialize,
            ping,
            completion_complete,
            tools_list,
            tools_call_simple_text,
            tools_call_image,
            tools_call_audio,
            tools_call_embedded_resource,
            tools_call_mixed_content,
            tools_call_error,
            tools_call_with_progress,
            json_schema_2020_12,
            server_sse_multiple_streams,
            server_sse_polling,
            resources_list,
            resources_read_text,
            resources_read_binary,
            resources_templates_read,
            prompts_list,
            prompts_get_simple,
            prompts_get_with_args,
            prompts_get_embedded_resource,
            prompts_get_with_image,
            dns_rebinding_protection,
        ]
    );
}
