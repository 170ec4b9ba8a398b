//! The client scenarios of the official suite, played to `conformance-client`, without a baseline of expected failures.
//!
//! The tables below are complete: a scenario that the suite has and they have not fails
//! ([`tables::every_scenario_has_its_row`]). What needs OAuth is still to come, and the client has to say so.

use latimer_tests::suite::{self, Release};

/// One test per scenario; after a colon stand the checks that must be among those that succeed.
macro_rules! scenarios {
    ($revision:expr, [$($name:ident $scenario:literal $(: [$($shown:literal),+])?),+ $(,)?]) => {
        pub(super) const NAMES: &[&str] = &[$($scenario),+];

        $(
            #[test]
            fn $name() {
                suite::play(Release::Alpha, $revision, $scenario, &[$($($shown),+)?]);
            }
        )+
    };
}

mod on_2025_11_25 {
    use super::*;

    scenarios!(Some("2025-11-25"), [
        initialize "initialize": ["mcp-client-initialization"],
        tools_call "tools_call": ["tool-add-numbers"],
        elicitation_defaults "elicitation-sep1034-client-defaults": ["client-elicitation-sep1034-enum-default"],
        sse_retry "sse-retry": ["client-sse-retry-timing", "client-sse-last-event-id"],
        schema_preservation "json-schema-2020-12-preservation": ["sep-2106-client-anchor-keyword-preserved"],
    ]);
}

mod on_2026_07_28 {
    use super::*;

    scenarios!(Some("2026-07-28"), [
        tools_call "tools_call": ["tool-add-numbers"],
        request_metadata "request-metadata": ["sep-2575-client-retry-supported-version"],
        rounds "sep-2322-client-request-state": [
            "sep-2322-client-request-state-echoed",
            "sep-2322-client-no-state-omitted",
            "sep-2322-client-parallel-isolation"
        ],
        standard_headers "http-standard-headers",
        custom_headers "http-custom-headers": ["sep-2243-client-base64-unsafe"],
        invalid_tool_headers "http-invalid-tool-headers": ["sep-2243-x-mcp-header-charset"],
        no_network_references "json-schema-ref-no-deref": ["sep-2106-no-network-ref-deref"],
        schema_preservation "json-schema-2020-12-preservation": ["sep-2106-client-anchor-keyword-preserved"],
    ]);
}

mod of_extensions {
    use super::*;

    scenarios!(None, [
        skills_no_prefetch "sep-2640-client-no-prefetch": ["sep-2640-host-no-prefetch"],
        skills_digest "sep-2640-client-verify-digest": ["sep-2640-host-verify-digest"],
        skills_size "sep-2640-client-verify-size": ["sep-2640-host-size-mismatch-failure"],
        skills_frontmatter "sep-2640-client-verify-frontmatter": ["sep-2640-host-frontmatter-comparison"],
    ]);
}

mod tables {
    use std::collections::BTreeSet;

    use super::*;

    /// What the suite has and this client has not, by the beginnings of the names.
    const STILL_TO_COME: &[&str] = &["auth/"];

    fn is_to_come(name: &str) -> bool {
        STILL_TO_COME.iter().any(|start| name.starts_with(start))
    }

    fn rest(requirements: Option<&str>) -> BTreeSet<String> {
        suite::client_scenarios(Release::Alpha, requirements)
            .into_iter()
            .filter(|name| !is_to_come(name))
            .collect()
    }

    fn rows(tables: &[&[&str]]) -> BTreeSet<String> {
        tables.iter().flat_map(|names| names.iter().map(|name| (*name).to_owned())).collect()
    }

    #[test]
    fn every_scenario_has_its_row() {
        assert_eq!(rest(Some("2025-11-25")), rows(&[on_2025_11_25::NAMES]));
        assert_eq!(rest(Some("2026-07-28")), rows(&[on_2026_07_28::NAMES]));
        let all = rows(&[on_2025_11_25::NAMES, on_2026_07_28::NAMES, of_extensions::NAMES]);
        assert_eq!(rest(None), all);
    }

    #[test]
    fn what_is_still_to_come_is_said_to_be() {
        let all = suite::client_scenarios(Release::Alpha, Some("2026-07-28"));
        let next = all.iter().find(|name| is_to_come(name)).expect("the set has what is still to come");
        suite::refuse(Release::Alpha, Some("2026-07-28"), next);
    }
}
