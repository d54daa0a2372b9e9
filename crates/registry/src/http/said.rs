//! What a server says about why it refuses: registries' error documents (distribution spec, "error codes"), and the
//! forms that token services, cloud registries and object stores answer with instead. Foreign text: cut, on one line.

use serde_json::Value;

use crate::error_detail::one_line;

const MAX_SAID: usize = 300;
/// How deep a reason may lie in a document.
const MAX_DEPTH: usize = 4;

/// The reason in an error's body, as `: text`; empty where none can be made out.
pub(super) fn reason(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(document) => of_json(&document, 0),
        Err(_) => of_xml(&String::from_utf8_lossy(body)),
    };
    let text = one_line(&text.unwrap_or_default(), MAX_SAID);
    if text.is_empty() { text } else { format!(": {text}") }
}

/// The first text under the keys that are used for reasons, the more talkative ones first.
fn of_json(value: &Value, depth: usize) -> Option<String> {
    const KEYS: [&str; 9] =
        ["errors", "message", "error_description", "details", "detail", "Message", "error", "code", "reason"];
    if depth > MAX_DEPTH {
        return None;
    }
    match value {
        Value::String(text) => Some(text.clone()).filter(|t| !t.trim().is_empty()),
        Value::Array(list) => list.iter().find_map(|v| of_json(v, depth + 1)),
        Value::Object(map) => KEYS.iter().filter_map(|key| map.get(*key)).find_map(|v| of_json(v, depth + 1)),
        _ => None,
    }
}

/// The reason in an object store's XML. A page for people says nothing, and free text is not repeated: it is in no form
/// in which a server would keep what it was sent apart from what it says.
fn of_xml(text: &str) -> Option<String> {
    let between = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once("</")?.0.trim().to_owned()).filter(|t| !t.is_empty())
    };
    between("Message").or_else(|| between("Code"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_in_the_forms_that_are_used() {
        for (body, want) in [
            (r#"{"errors":[{"code":"DENIED","message":"use a\ntoken"}]}"#, ": use a token"),
            (r#"{"errors":[{"code":"DENIED","message":""}]}"#, ": DENIED"),
            (r#"{"details":"incorrect username or password"}"#, ": incorrect username or password"),
            (r#"{"message":"not authorized to perform BatchGetImage"}"#, ": not authorized to perform BatchGetImage"),
            (r#"{"error":"invalid_grant","error_description":"expired"}"#, ": expired"),
            (r#"{"error":{"code":403,"message":"Permission denied"}}"#, ": Permission denied"),
            ("<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>", ": Request has expired"),
            ("<Error><Code>NoSuchKey</Code></Error>", ": NoSuchKey"),
            ("<html><body>nginx</body></html>", ""),
            ("the password hunter2 is wrong", ""),
            ("", ""),
            ("{}", ""),
        ] {
            assert_eq!(reason(body.as_bytes()), want, "{body}");
        }
        assert!(reason("x".repeat(10_000).as_bytes()).len() <= MAX_SAID + 2 + '…'.len_utf8());
    }
}
