//! What `completion/complete` answers.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::encode::{ObjectWriter, ResultBody, Shape, write_object};
use crate::raw::RawJson;
use crate::revision::Revision;

/// The result of `completion/complete` (CMP-1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "OnTheWire")]
pub struct CompleteResult {
    values: Vec<String>,
    total: Option<u64>,
    has_more: Option<bool>,
    meta: Option<RawJson>,
}

impl CompleteResult {
    /// How many values one result may hold.
    pub const MAX_VALUES: usize = 100;

    /// The first [`MAX_VALUES`](Self::MAX_VALUES) of all `values`; if there are more, the result says so.
    pub fn new<S: Into<String>>(values: impl IntoIterator<Item = S>) -> Self {
        let mut all = values.into_iter().map(Into::into);
        let values: Vec<String> = all.by_ref().take(Self::MAX_VALUES).collect();
        let has_more = all.next().is_some().then_some(true);
        Self { values, total: None, has_more, meta: None }
    }

    /// The same result, with the number of all values there are.
    #[must_use]
    pub fn with_total(mut self, total: u64) -> Self {
        self.total = Some(total);
        self
    }

    /// The same result, saying whether there are more values.
    #[must_use]
    pub fn with_more(mut self, has_more: bool) -> Self {
        self.has_more = Some(has_more);
        self
    }

    /// The same result with metadata, which must be an object.
    #[must_use]
    pub fn with_meta(mut self, meta: RawJson) -> Self {
        self.meta = Some(meta);
        self
    }

    /// The values, at most [`MAX_VALUES`](Self::MAX_VALUES).
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// How many values there are in all, if known.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Whether there are more values, if known.
    pub fn has_more(&self) -> Option<bool> {
        self.has_more
    }

    fn completion(&self) -> Completion<&[String]> {
        Completion { values: &self.values, total: self.total, has_more: self.has_more }
    }
}

impl ResultBody for CompleteResult {
    fn shape(&self) -> Shape {
        Shape::CompleteResult
    }

    fn needs(&self) -> Revision {
        Revision::V2024_11_05
    }

    fn meta(&self) -> Option<&RawJson> {
        self.meta.as_ref()
    }

    fn write_members(&self, object: &mut ObjectWriter<'_>) {
        write_object(object.key("completion"), |object| {
            object.array("values", &self.values, |value, out| crate::text::write_string(value, out));
            if let Some(total) = self.total {
                object.raw("total", &total.to_string());
            }
            if let Some(has_more) = self.has_more {
                object.boolean("hasMore", has_more);
            }
        });
    }
}

impl Serialize for CompleteResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object =
            serializer.serialize_struct("CompleteResult", 1 + usize::from(self.meta.is_some()))?;
        object.serialize_field("completion", &self.completion())?;
        if let Some(meta) = &self.meta {
            object.serialize_field("_meta", meta)?;
        }
        object.end()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Completion<V> {
    values: V,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    has_more: Option<bool>,
}

#[derive(Deserialize)]
struct OnTheWire {
    completion: Completion<Vec<String>>,
    #[serde(rename = "_meta")]
    meta: Option<RawJson>,
}

impl From<OnTheWire> for CompleteResult {
    fn from(wire: OnTheWire) -> Self {
        let Completion { values, total, has_more } = wire.completion;
        let counted = Self::new(values);
        Self { total, has_more: counted.has_more.or(has_more), meta: wire.meta, ..counted }
    }
}
