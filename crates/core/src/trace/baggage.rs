//! `baggage`: what a caller hands to everybody who works for it (W3C Baggage §3).

/// The longest that is kept, in bytes.
const MOST_BYTES: usize = 8192;

/// The most members that are kept.
const MOST_MEMBERS: usize = 64;

/// Names and values of the caller, to be handed on as they are. They come from outside: whoever acts on one has to
/// check it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baggage(Box<str>);

impl Baggage {
    /// Takes a text of at most 8,192 bytes and 64 members, each `name=value`, perhaps with properties behind semicolons.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() <= MOST_BYTES
            && text.split(',').count() <= MOST_MEMBERS
            && text.split(',').all(|member| member_of(member).is_some());
        fits.then(|| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Names and values, in order; values are percent-encoded as the caller wrote them, and properties are left out.
    pub fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.split(',').filter_map(member_of)
    }
}

fn member_of(member: &str) -> Option<(&str, &str)> {
    let space = [' ', '\t'];
    let (pair, _) = member.split_once(';').unwrap_or((member, ""));
    let (name, value) = pair.split_once('=')?;
    let (name, value) = (name.trim_matches(space), value.trim_matches(space));
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let text = |byte: u8| byte.is_ascii_graphic() && !b"\"\\".contains(&byte);
    let sound = !name.is_empty()
        && name.bytes().all(token)
        && value.bytes().all(text)
        && member.bytes().all(|byte| byte == b'\t' || (0x20..=0x7e).contains(&byte));
    sound.then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_and_the_text_is_kept() {
        let text = "userId=Am%C3%A9lie , serverNode=DF 28;prop=1;flag,isProduction=";
        assert_eq!(Baggage::parse(text), None, "a space inside a value");
        let text = text.replace("DF 28", "DF%2028");
        let baggage = Baggage::parse(&text).unwrap();
        let members: Vec<_> = baggage.members().collect();
        assert_eq!(members, [("userId", "Am%C3%A9lie"), ("serverNode", "DF%2028"), ("isProduction", "")]);
        assert_eq!(baggage.as_str(), text);
    }

    #[test]
    fn what_is_malformed_or_too_much_is_none() {
        let most = vec!["k=v"; MOST_MEMBERS].join(",");
        assert!(Baggage::parse(&most).is_some());
        let long = format!("k={}", "x".repeat(MOST_BYTES - 2));
        assert!(Baggage::parse(&long).is_some());
        for bad in [
            "",
            ",",
            "a",
            "=b",
            "a b=c",
            "a=\"b\"",
            "a=é",
            "a=b\n",
            &format!("{most},k=v"),
            &format!("{long}x"),
        ] {
            assert_eq!(Baggage::parse(bad), None, "{bad:?}");
        }
    }
}
