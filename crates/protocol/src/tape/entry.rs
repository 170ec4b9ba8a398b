//! One cell of a tape.

pub(super) const TAG_NULL: u32 = 0;
pub(super) const TAG_FALSE: u32 = 1;
pub(super) const TAG_TRUE: u32 = 2;
pub(super) const TAG_NUMBER: u32 = 3;
pub(super) const TAG_STRING: u32 = 4;
pub(super) const TAG_ESCAPED: u32 = 5;
pub(super) const TAG_ARRAY: u32 = 6;
pub(super) const TAG_OBJECT: u32 = 7;

const TAG_SHIFT: u32 = 29;
pub(super) const PAYLOAD: u32 = (1 << TAG_SHIFT) - 1;
/// In place of an index: there is no open container.
pub(super) const NONE: u32 = PAYLOAD;

/// A value or a member name.
///
/// The payload is the length of the text for a scalar (a string without its quotes, as is the offset), and for a
/// container the index past its last descendant; while it is open, the index of the container around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) offset: u32,
    tagged: u32,
}

impl Entry {
    pub(super) const fn new(tag: u32, offset: u32, payload: u32) -> Self {
        Self { offset, tagged: (tag << TAG_SHIFT) | (payload & PAYLOAD) }
    }

    pub(super) fn tag(self) -> u32 {
        self.tagged >> TAG_SHIFT
    }

    pub(super) fn payload(self) -> u32 {
        self.tagged & PAYLOAD
    }

    pub(super) fn is_container(self) -> bool {
        self.tag() >= TAG_ARRAY
    }
}
