//! The official conformance suite, scenario by scenario, without a baseline of expected failures.
//!
//! Each scenario runs against a fixture server of its own, on every revision for which the suite has it; then the suite
//! itself runs its sets against one server, which may contain nothing but the scenarios listed here. They are named in the
//! suite's own words: `tools_list` is `tools-list`.

use latimer_tests::suite::{Fixture, Release};

/// One test per scenario; after a colon stand the checks that must be among those that succeed, where the suite itself
/// would be content without them.
macro_rules! scenarios {
    ($release:ident, $revision:expr, [$($scenario:ident $(: [$($shown:literal),+])?),+ $(,)?]) => {
        pub(super) const NAMES: &[&str] = &[$(stringify!($scenario)),+];

        $(
            #[test]
            fn $scenario() {
                let name = stringify!($scenario).replace('_', "-");
                Fixture::start().pass(Release::$release, $revision, &name, &[$($($shown),+)?]);
            }
        )+
    };
}

mod on_2025_03_26 {
    use super::*;

    scenarios!(Alpha, Some("2025-03-26"), [
        server_session_lifecycle: ["server-session-delete-accepted", "server-session-terminated-returns-404"],
    ]);
}

mod on_2025_06_18 {
    use super::*;

    scenarios!(Alpha, Some("2025-06-18"), [
        tools_call_image,
        prompts_get_with_image,
        resources_read_binary,
        server_session_lifecycle: ["server-session-delete-accepted", "server-session-terminated-returns-404"],
        tools_call_audio,
        resources_templates_read,
        tools_call_mixed_content,
        tools_call_with_progress,
        completion_complete,
        tools_call_simple_text,
        resources_read_text,
        resources_subscribe,
        resources_unsubscribe,
        ping,
        tools_call_with_logging,
        tools_call_sampling,
        tools_call_elicitation,
        tools_list,
        resources_list,
        prompts_list,
        server_initialize: ["server-session-id-visible-ascii"],
        prompts_get_simple,
        tools_call_embedded_resource,
        prompts_get_embedded_resource,
        prompts_get_with_args,
        tools_call_error,
        logging_set_level,
    ]);
}

mod on_2025_11_25 {
    use super::*;

    scenarios!(Alpha, Some("2025-11-25"), [
        json_schema_2020_12: [
            "sep-2106-composition-keywords-preserved",
            "sep-2106-conditional-keywords-preserved"
        ],
        tools_call_image,
        prompts_get_with_image,
        server_sse_multiple_streams: ["server-accepts-multiple-post-streams"],
        resources_read_binary,
        server_session_lifecycle: ["server-session-delete-accepted", "server-session-terminated-returns-404"],
        tools_call_audio,
        resources_templates_read,
        tools_call_mixed_content,
        tools_call_with_progress,
        completion_complete,
        tools_call_simple_text,
        resources_read_text,
        resources_subscribe,
        resources_unsubscribe,
        ping,
        tools_call_with_logging,
        tools_call_sampling,
        server_sse_polling: [
            "server-sse-priming-event",
            "server-sse-retry-field",
            "server-sse-disconnect-resume"
        ],
        tools_call_elicitation,
        dns_rebinding_protection: ["localhost-host-rebinding-rejected", "localhost-host-valid-accepted"],
        tools_list: ["tools-name-format"],
        resources_list,
        prompts_list,
        server_initialize: ["server-session-id-visible-ascii"],
        elicitation_sep1034_defaults: ["elicitation-sep1034-boolean-default"],
        prompts_get_simple,
        tools_call_embedded_resource,
        prompts_get_embedded_resource,
        prompts_get_with_args,
        tools_call_error,
        elicitation_sep1330_enums: ["elicitation-sep1330-titled-multi"],
        logging_set_level,
    ]);
}

mod on_2026_07_28 {
    use super::*;

    scenarios!(Alpha, Some("2026-07-28"), [
        json_schema_2020_12,
        tools_call_image,
        prompts_get_with_image,
        server_sse_multiple_streams: ["server-accepts-multiple-post-streams"],
        input_required_result_ignore_extra_params,
        resources_read_binary,
        input_required_result_request_state: ["sep-2322-request-state-complete"],
        input_required_result_tampered_state: ["sep-2322-reject-tampered-state"],
        tools_call_audio,
        resources_templates_read,
        input_required_result_capability_check: ["sep-2322-respect-client-capabilities"],
        tools_call_mixed_content,
        server_stateless: [
            "sep-2575-server-identifies-in-result-meta",
            "sep-2575-server-rejects-undeclared-capability",
            "sep-2575-http-server-no-independent-requests-on-stream",
            "sep-2575-server-no-log-without-loglevel"
        ],
        tools_call_with_progress,
        input_required_result_non_tool_request: ["sep-2322-non-tool-complete"],
        completion_complete,
        tools_call_simple_text,
        resources_read_text,
        caching: ["sep-2549-resources-read-caching-hints"],
        input_required_result_basic_sampling: ["sep-2322-sampling-complete"],
        dns_rebinding_protection: ["localhost-host-rebinding-rejected", "localhost-host-valid-accepted"],
        http_header_validation: ["sep-2243-server-reject-error-code"],
        http_custom_header_server_validation: ["sep-2243-server-decode-base64"],
        input_required_result_basic_elicitation: ["sep-2322-elicitation-complete"],
        tools_list: ["tools-name-format", "tools-list-deterministic-order"],
        resources_list,
        prompts_list,
        input_required_result_missing_input_response: ["sep-2322-missing-response-rerequests"],
        input_required_result_unsupported_methods,
        input_required_result_basic_list_roots: ["sep-2322-list-roots-complete"],
        prompts_get_simple,
        input_required_result_validate_input: [
            "sep-2322-validate-input-responses",
            "sep-2322-error-on-protocol-error"
        ],
        tools_call_embedded_resource,
        prompts_get_embedded_resource,
        prompts_get_with_args,
        tools_call_error,
        input_required_result_multiple_input_requests: ["sep-2322-multiple-inputs-complete"],
        sep_2164_resource_not_found: ["sep-2164-error-code", "sep-2164-data-uri"],
        input_required_result_multi_round: ["sep-2322-multi-round-r3"],
        input_required_result_result_type,
    ]);
}

/// The suite leaves these out when it is given a revision; it runs them on 2026-07-28.
mod of_extensions {
    use super::*;

    scenarios!(Alpha, None, [
        tasks_lifecycle: [
            "sep-2663-tasks-get-status-completed",
            "sep-2663-tasks-get-status-failed",
            "tasks-cancel-terminal-idempotent-ack"
        ],
        tasks_request_headers: ["sep-2663-server-rejects-mismatched-mcp-name-on-tasks-get"],
        sep_2640_skills_manifest: ["sep-2640-skillmd-mimetype"],
        sep_2640_skills_enumeration: ["sep-2640-skills-list-pagination", "sep-2640-skills-get-entry-shape"],
        tasks_capability_negotiation: ["sep-2663-server-rejects-undeclared-client"],
        tasks_mrtr_composition: ["sep-2663-mrtr-synchronous-before-task-creation"],
        tasks_wire_fields,
        tasks_dispatch_and_envelope: ["sep-2663-durable-create-strong-consistency"],
        sep_2640_skills_directory: [
            "sep-2640-directory-read-subdir-mimetype",
            "sep-2640-directory-read-pagination"
        ],
        tasks_mrtr_input: ["tasks-mrtr-tasks-update-resumes", "tasks-mrtr-partial-fulfillment"],
        tasks_required_task_error: ["sep-2663-server-returns-missing-capability-data-shape"],
        tasks_request_state_removal,
    ]);
}

/// The release that is still what the package registry calls the latest. It has one wire, and its revisions only choose scenarios.
mod stable_on_2025_11_25 {
    use super::*;

    scenarios!(
        Stable,
        Some("2025-11-25"),
        [
            json_schema_2020_12,
            tools_call_image,
            prompts_get_with_image,
            server_sse_multiple_streams,
            resources_read_binary,
            tools_call_audio,
            resources_templates_read,
            tools_call_mixed_content,
            tools_call_with_progress,
            completion_complete,
            tools_call_simple_text,
            resources_read_text,
            resources_subscribe,
            resources_unsubscribe,
            ping,
            tools_call_with_logging,
            tools_call_sampling,
            server_sse_polling,
            tools_call_elicitation,
            dns_rebinding_protection,
            tools_list,
            resources_list,
            prompts_list,
            server_initialize,
            elicitation_sep1034_defaults,
            prompts_get_simple,
            tools_call_embedded_resource,
            prompts_get_embedded_resource,
            prompts_get_with_args,
            tools_call_error,
            elicitation_sep1330_enums,
            logging_set_level,
        ]
    );
}

/// The suite's own sets, each in one run against one server: what one scenario leaves behind (sessions, streams) must not be
/// in the way of the next, and a scenario that comes or goes must not pass unnoticed.
mod sets {
    use super::*;

    /// The suite skips this one without looking at the server ("delivered via the subscriptions/listen stream, not via the
    /// tools/call POST"). Tests of our own show what it would: `tx_8_*` in `latimer-transport`.
    const LEFT_OUT: &[&str] = &["tasks-status-notifications"];

    fn pass(release: Release, choice: &[&str], parts: &[&[&str]], left_out: &[&str]) {
        let mut names: Vec<String> = parts.concat().iter().map(|name| name.replace('_', "-")).collect();
        names.sort_unstable();
        names.dedup();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Fixture::start().pass_all(release, choice, &names, left_out);
    }

    #[test]
    fn everything_of_the_stable_release() {
        pass(Release::Stable, &["--suite", "all"], &[stable_on_2025_11_25::NAMES], &[]);
    }

    #[test]
    fn everything() {
        let parts = [on_2025_11_25::NAMES, on_2026_07_28::NAMES, of_extensions::NAMES];
        pass(Release::Alpha, &["--suite", "all"], &parts, LEFT_OUT);
    }

    #[test]
    fn everything_on_2025_03_26() {
        let choice = ["--suite", "all", "--spec-version", "2025-03-26"];
        pass(Release::Alpha, &choice, &[on_2025_03_26::NAMES], &[]);
    }

    #[test]
    fn everything_on_2025_06_18() {
        let choice = ["--suite", "all", "--spec-version", "2025-06-18"];
        pass(Release::Alpha, &choice, &[on_2025_06_18::NAMES], &[]);
    }

    #[test]
    fn what_2025_11_25_requires_and_what_is_not_scored() {
        pass(Release::Alpha, &["--requirements", "2025-11-25"], &[on_2025_11_25::NAMES], &[]);
    }

    #[test]
    fn what_2026_07_28_requires_and_what_is_not_scored() {
        let tasks: Vec<&str> =
            of_extensions::NAMES.iter().copied().filter(|name| name.starts_with("tasks")).collect();
        let parts = [on_2026_07_28::NAMES, &tasks];
        pass(Release::Alpha, &["--requirements", "2026-07-28"], &parts, LEFT_OUT);
    }

    #[test]
    fn what_the_suite_leaves_out() {
        for scenario in LEFT_OUT {
            Fixture::start().left_out(Release::Alpha, scenario);
        }
    }
}
