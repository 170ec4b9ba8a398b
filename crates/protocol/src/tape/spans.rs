//! Where values stand in their text. A tape says where each begins; where arrays and objects end follows from what
//! comes after them.

use std::ops::Range;

use super::{JsonStr, Node, Tape, parser};

/// A value and where it ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spanned<'a> {
    pub(crate) node: Node<'a>,
    end: usize,
}

impl<'a> Spanned<'a> {
    /// The outermost value of a text.
    pub(crate) fn whole(tape: Tape<'a>) -> Self {
        let root = tape.root();
        Self { node: root, end: trimmed(root.text, root.text.len()) }
    }

    /// Where in the text it is.
    pub(crate) fn range(self) -> Range<usize> {
        start(self.node)..self.end
    }

    /// The members; none if it is no object.
    pub(crate) fn members(self) -> impl Iterator<Item = (JsonStr<'a>, Self)> {
        let members = self.node.members().into_iter().flatten();
        members.map(move |(name, value)| (name, self.child(value)))
    }

    /// The elements; none if it is no array.
    pub(crate) fn elements(self) -> impl Iterator<Item = Self> {
        self.node.elements().into_iter().flatten().map(move |element| self.child(element))
    }

    fn child(self, node: Node<'a>) -> Self {
        let end = if node.entry().is_container() {
            let after = parser::next(node.entries, node.index);
            if after < parser::next(node.entries, self.node.index) {
                let comma = trimmed(node.text, start(node.at(after)));
                trimmed(node.text, comma.saturating_sub(1))
            } else {
                trimmed(node.text, self.end.saturating_sub(1))
            }
        } else {
            scalar_end(node)
        };
        Self { node, end }
    }
}

impl Node<'_> {
    /// Where in the text it is, if it is neither array nor object.
    pub(crate) fn scalar(self) -> Option<Range<usize>> {
        (!self.entry().is_container()).then(|| start(self)..scalar_end(self))
    }
}

fn scalar_end(node: Node<'_>) -> usize {
    let entry = node.entry();
    (entry.offset + entry.payload()) as usize + usize::from(node.string().is_some())
}

fn start(node: Node<'_>) -> usize {
    (node.entry().offset as usize).saturating_sub(usize::from(node.string().is_some()))
}

/// The end of the text before `end`, without white space.
fn trimmed(text: &str, mut end: usize) -> usize {
    while end > 0 && matches!(text.as_bytes().get(end - 1), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        end -= 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;
    use crate::tape::{Kind, TapeBuffer};

    /// Every value of a text, as another reader cuts it out.
    fn agrees(spanned: Spanned<'_>, theirs: &RawValue) {
        assert_eq!(&spanned.node.text[spanned.range()], theirs.get());
        match spanned.node.kind() {
            Kind::Array => {
                let elements: Vec<&RawValue> = serde_json::from_str(theirs.get()).unwrap();
                let ours: Vec<_> = spanned.elements().collect();
                assert_eq!(ours.len(), elements.len());
                ours.into_iter().zip(elements).for_each(|(ours, theirs)| agrees(ours, theirs));
            }
            Kind::Object => {
                let members: std::collections::BTreeMap<String, &RawValue> =
                    serde_json::from_str(theirs.get()).unwrap();
                assert_eq!(spanned.members().count(), members.len());
                for (name, value) in spanned.members() {
                    agrees(value, members[&*name.decode()]);
                }
            }
            _ => {}
        }
    }

    fn json() -> impl Strategy<Value = String> {
        let space = || "[ \t\r\n]{0,2}";
        let string = r#""([a-z\]\[}{,: é]|\\"|\\\\|\\u005d){0,4}""#;
        let scalar = prop_oneof!["-?[1-9][0-9]{0,3}", Just("true".into()), string, Just("null".into())];
        scalar.prop_recursive(5, 40, 5, move |inner| {
            let element = (space(), inner.clone(), space()).prop_map(|(a, b, c)| format!("{a}{b}{c}"));
            let elements = proptest::collection::vec(element.clone(), 0..5);
            let members = proptest::collection::btree_map("[a-z\\]\\[}{,:]{0,3}", element, 0..5);
            prop_oneof![
                elements.prop_map(|elements| format!("[{}]", elements.join(","))),
                members.prop_map(|members| {
                    let members: Vec<_> =
                        members.iter().map(|(name, value)| format!(" \"{name}\" :{value}")).collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_is_cut_out_as_serde_json_does(text in json(), before in "[ \n]{0,2}", after in "[ \n]{0,2}") {
            let text = format!("{before}{text}{after}");
            let mut buffer = TapeBuffer::new();
            let tape = Tape::parse_into(&mut buffer, &text).unwrap();
            agrees(Spanned::whole(tape), serde_json::from_str(&text).unwrap());
        }
    }
}
