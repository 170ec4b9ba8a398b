//! The page that a person sees who opens the server's address in a browser.

use http::{HeaderValue, Response, header};

use super::body::ResponseBody;
use super::service::HttpService;

const POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// The page: what this is, and how to point a client at it.
pub(super) fn page(service: &HttpService) -> Response<ResponseBody> {
    let options = service.options();
    let url = match (&options.public_url, options.port) {
        (Some(url), _) => url.to_string(),
        (None, port) => {
            let scheme = if options.tls { "https" } else { "http" };
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            format!("{scheme}://127.0.0.1{port}{}", options.path)
        }
    };
    let (quoted_name, quoted_url) = (quoted(service.engine().name()), quoted(&url));
    let (name, url) = (escaped(service.engine().name()), escaped(&url));
    let text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{name}</title>\n<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}}\
         pre{{background:#f4f4f4;padding:1rem;overflow:auto}}@media(prefers-color-scheme:dark){{body{{background:#111;color:#eee}}\
         pre{{background:#222}}}}</style>\n<h1>{name}</h1>\n\
         <p>This is a Model Context Protocol server. Point a client at <code>{url}</code>.</p>\n\
         <h2>Clients that read <code>mcpServers</code></h2>\n<pre>{{\n  \"mcpServers\": {{\n    {quoted_name}: {{ \"type\": \"http\", \"url\": {quoted_url} }}\n  }}\n}}</pre>\n\
         <h2>Visual Studio Code (<code>.vscode/mcp.json</code>)</h2>\n<pre>{{\n  \"servers\": {{\n    {quoted_name}: {{ \"type\": \"http\", \"url\": {quoted_url} }}\n  }}\n}}</pre>\n\
         <h2>The command line</h2>\n<pre>latimer tools {url}</pre>\n</html>\n"
    );
    let mut response = Response::new(ResponseBody::full(text.into()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HTML);
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response
}

/// Text as a JSON string that is shown in HTML.
fn quoted(text: &str) -> String {
    escaped(&serde_json::Value::from(text).to_string())
}

/// Text that means nothing to HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            char => out.push(char),
        }
    }
    out
}
