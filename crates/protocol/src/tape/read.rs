//! Values on a tape, read into types.
//!
//! What is read here is read as `serde_json` reads it from the text, and has the same value. What is not, because it does
//! not fit or because `serde_json` knows more about it (raw text, numbers of any size, maps whose keys are numbers), fails
//! without a reason: the text can then be read again by `serde_json`, which has one. So does what a type of the author's
//! makes up for: a failure anywhere is remembered, even if the type went on without what failed.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::sync::LazyLock;

use serde::Deserializer;
use serde::de::value::{BorrowedStrDeserializer, StringDeserializer};
use serde::de::{
    DeserializeSeed, EnumAccess, Error, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::{Elements, JsonStr, Kind, Members, Node};

/// A value that was not read. The text has to be read to know why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a value that has to be read from its text")]
pub struct Unread;

impl Error for Unread {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }

    // The words would be thrown away.
    fn invalid_type(_: Unexpected<'_>, _: &dyn serde::de::Expected) -> Self {
        Self
    }

    fn invalid_value(_: Unexpected<'_>, _: &dyn serde::de::Expected) -> Self {
        Self
    }
}

/// How `serde_json` calls a type that wants its text.
const RAW: &str = "$serde_json::private::RawValue";

/// Whether `serde_json` was built to keep numbers as they are written, which a tape does not hand on.
static KEEPS_NUMBERS: LazyLock<bool> = LazyLock::new(|| {
    let read = serde_json::from_str::<serde_json::Number>("0.10");
    read.is_ok_and(|number| number.to_string() == "0.10")
});

impl<'de> Node<'de> {
    /// Reads the value with a deserializer.
    ///
    /// # Errors
    /// When anything of it was not read.
    pub fn read<T>(self, with: impl FnOnce(Reader<'de, '_>) -> Result<T, Unread>) -> Result<T, Unread> {
        let failed = Cell::new(false);
        let value = with(Reader { node: self, failed: &failed })?;
        if failed.get() { Err(Unread) } else { Ok(value) }
    }
}

/// Reads a value on a tape; see [`Node::read`].
#[derive(Clone, Copy, Debug)]
pub struct Reader<'de, 'f> {
    node: Node<'de>,
    /// Whether anything has failed.
    failed: &'f Cell<bool>,
}

impl<'de, 'f> Reader<'de, 'f> {
    fn at(self, node: Node<'de>) -> Self {
        Self { node, ..self }
    }

    fn noted<T>(self, outcome: Result<T, Unread>) -> Result<T, Unread> {
        outcome.inspect_err(|_| self.failed.set(true))
    }

    fn read_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_bool(self.node.as_bool().ok_or(Unread)?)
    }

    fn read_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        match self.node.kind() {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool => self.read_bool(visitor),
            Kind::Number if *KEEPS_NUMBERS => Err(Unread),
            Kind::Number => self.read_number(visitor),
            Kind::String => self.read_string(visitor),
            Kind::Array => self.read_array(visitor),
            Kind::Object => self.read_object(visitor),
        }
    }

    fn read_number<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        let text = self.node.number_text().ok_or(Unread)?;
        match Short::read(text) {
            Some(Short { mantissa, decimals: None, is_negative: false }) => visitor.visit_u64(mantissa),
            Some(Short { mantissa: 1.., decimals: None, .. }) => {
                visitor.visit_i64(text.parse().map_err(|_| Unread)?)
            }
            Some(short) => visitor.visit_f64(short.to_f64()),
            None => read_long_number(text, visitor),
        }
    }

    /// A number that is wanted in single precision: one past that has no such value.
    fn read_single<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        let text = self.node.number_text().ok_or(Unread)?;
        if text.len() < 20 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.read_number(visitor);
        }
        let number = text.parse().ok().filter(|number: &f32| number.is_finite()).ok_or(Unread)?;
        visitor.visit_f64(number.into())
    }

    fn read_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_i128(self.node.number_text().and_then(|text| text.parse().ok()).ok_or(Unread)?)
    }

    fn read_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_u128(self.node.number_text().and_then(|text| text.parse().ok()).ok_or(Unread)?)
    }

    fn read_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        read_str(self.node.string().ok_or(Unread)?, visitor)
    }

    fn read_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn read_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        if self.node.is_null() { visitor.visit_unit() } else { Err(Unread) }
    }

    fn read_array<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        let mut items = Items { left: self.node.elements().ok_or(Unread)?, of: self };
        let value = visitor.visit_seq(&mut items)?;
        if items.left.next().is_none() { Ok(value) } else { Err(Unread) }
    }

    fn read_object<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        let mut fields = Fields { left: self.node.members().ok_or(Unread)?, value: None, of: self };
        let value = visitor.visit_map(&mut fields)?;
        if fields.left.next().is_none() { Ok(value) } else { Err(Unread) }
    }

    fn read_struct<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        if self.node.kind() == Kind::Array { self.read_array(visitor) } else { self.read_object(visitor) }
    }

    fn read_enum<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        if let Some(name) = self.node.string() {
            return visitor.visit_enum(Variant { name, content: None, of: self });
        }
        let mut members = self.node.members().ok_or(Unread)?;
        match (members.next(), members.next()) {
            (Some((name, content)), None) => {
                visitor.visit_enum(Variant { name, content: Some(content), of: self })
            }
            _ => Err(Unread),
        }
    }
}

/// A number of few digits, without an exponent.
#[derive(Clone, Copy)]
struct Short {
    /// All digits, as one number below 2^53: a double has room for it.
    mantissa: u64,
    /// How many of them stand behind the point, if there is one.
    decimals: Option<usize>,
    is_negative: bool,
}

impl Short {
    fn read(text: &str) -> Option<Self> {
        const DIGITS: usize = 15;
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.len() > DIGITS {
            return None;
        }
        let (mut mantissa, mut point) = (0, None);
        for (at, byte) in digits.bytes().enumerate() {
            match byte {
                b'0'..=b'9' => mantissa = mantissa * 10 + u64::from(byte - b'0'),
                b'.' => point = Some(at + 1),
                _ => return None,
            }
        }
        let decimals = point.map(|point| digits.len() - point);
        Some(Self { mantissa, decimals, is_negative: digits.len() < text.len() })
    }

    /// The nearest double. Both the mantissa and the power of ten are doubles, so that dividing rounds once (Clinger
    /// 1990, the fast path).
    fn to_f64(self) -> f64 {
        const POWERS: [f64; 15] =
            [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14];
        let power = self.decimals.and_then(|decimals| POWERS.get(decimals)).copied().unwrap_or(1.0);
        let number = self.mantissa as f64 / power;
        if self.is_negative { -number } else { number }
    }
}

fn read_long_number<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, Unread> {
    if text.contains(['.', 'e', 'E']) {
        return visitor.visit_f64(finite(text)?);
    }
    // Integers too large for 64 bits are doubles.
    if text.starts_with('-') {
        match text.parse() {
            Ok(number) => visitor.visit_i64(number),
            Err(_) => visitor.visit_f64(finite(text)?),
        }
    } else {
        match text.parse() {
            Ok(number) => visitor.visit_u64(number),
            Err(_) => visitor.visit_f64(finite(text)?),
        }
    }
}

fn finite(text: &str) -> Result<f64, Unread> {
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or(Unread)
}

fn read_str<'de, V: Visitor<'de>>(string: JsonStr<'de>, visitor: V) -> Result<V::Value, Unread> {
    match string.borrowed() {
        Some(text) => visitor.visit_borrowed_str(text),
        None => visitor.visit_string(string.decode().into_owned()),
    }
}

macro_rules! unread {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Unread> {
            self.noted(Err(Unread))
        })*
    };
}

macro_rules! forward {
    ($($method:ident => $read:ident,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
            self.noted(self.$read(visitor))
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'de, '_> {
    type Error = Unread;

    forward! {
        deserialize_any => read_any,
        deserialize_bool => read_bool,
        deserialize_i8 => read_number,
        deserialize_i16 => read_number,
        deserialize_i32 => read_number,
        deserialize_i64 => read_number,
        deserialize_i128 => read_i128,
        deserialize_u8 => read_number,
        deserialize_u16 => read_number,
        deserialize_u32 => read_number,
        deserialize_u64 => read_number,
        deserialize_u128 => read_u128,
        deserialize_f32 => read_single,
        deserialize_f64 => read_number,
        deserialize_char => read_string,
        deserialize_str => read_string,
        deserialize_string => read_string,
        deserialize_identifier => read_string,
        deserialize_option => read_option,
        deserialize_unit => read_unit,
        deserialize_seq => read_array,
        deserialize_map => read_object,
    }

    // What `serde_json` makes of bytes is its own affair.
    unread! { deserialize_bytes deserialize_byte_buf }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.noted(self.read_unit(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.noted(if name == RAW { Err(Unread) } else { visitor.visit_newtype_struct(self) })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unread> {
        self.noted(self.read_array(visitor))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.noted(self.read_array(visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.noted(self.read_struct(visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        self.noted(self.read_enum(visitor))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_unit()
    }
}

/// The elements that are left to be read.
struct Items<'de, 'f> {
    left: Elements<'de>,
    of: Reader<'de, 'f>,
}

impl<'de> SeqAccess<'de> for Items<'de, '_> {
    type Error = Unread;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Unread> {
        let of = self.of;
        self.left.next().map(|element| of.noted(seed.deserialize(of.at(element)))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.clone().count())
    }
}

/// The members that are left to be read, and where the value is of the one whose name was.
struct Fields<'de, 'f> {
    left: Members<'de>,
    value: Option<u32>,
    of: Reader<'de, 'f>,
}

impl<'de> MapAccess<'de> for Fields<'de, '_> {
    type Error = Unread;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unread> {
        let Some((name, value)) = self.left.next() else { return Ok(None) };
        self.value = Some(value.index);
        self.of.noted(seed.deserialize(Key { name, of: self.of })).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Unread> {
        let value = self.of.node.at(self.value.take().ok_or(Unread)?);
        self.of.noted(seed.deserialize(self.of.at(value)))
    }
}

/// The name of a member, for a map whose keys are strings.
struct Key<'de, 'f> {
    name: JsonStr<'de>,
    of: Reader<'de, 'f>,
}

impl Key<'_, '_> {
    fn noted<T>(&self, outcome: Result<T, Unread>) -> Result<T, Unread> {
        self.of.noted(outcome)
    }
}

impl<'de> Deserializer<'de> for Key<'de, '_> {
    type Error = Unread;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        self.noted(read_str(self.name, visitor))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        if name == RAW { self.noted(Err(Unread)) } else { visitor.visit_newtype_struct(self) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        let of = self.of;
        of.noted(visitor.visit_enum(Variant { name: self.name, content: None, of }))
    }

    forward_to_deserialize_any! { char str string identifier ignored_any unit unit_struct seq tuple tuple_struct map struct }

    // Numbers and booleans in quotation marks, and bytes.
    unread! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 deserialize_u8
        deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_bytes deserialize_byte_buf
    }
}

/// A variant of an enum, and what it holds.
struct Variant<'de, 'f> {
    name: JsonStr<'de>,
    content: Option<Node<'de>>,
    of: Reader<'de, 'f>,
}

impl<'de, 'f> EnumAccess<'de> for Variant<'de, 'f> {
    type Error = Unread;
    type Variant = Content<'de, 'f>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Content<'de, 'f>), Unread> {
        let value = match self.name.decode() {
            Cow::Borrowed(name) => seed.deserialize(BorrowedStrDeserializer::new(name)),
            Cow::Owned(name) => seed.deserialize(StringDeserializer::new(name)),
        };
        Ok((self.of.noted(value)?, Content { content: self.content.map(|content| self.of.at(content)) }))
    }
}

struct Content<'de, 'f> {
    content: Option<Reader<'de, 'f>>,
}

impl<'de> VariantAccess<'de> for Content<'de, '_> {
    type Error = Unread;

    fn unit_variant(self) -> Result<(), Unread> {
        if self.content.is_none_or(|content| content.node.is_null()) { Ok(()) } else { Err(Unread) }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Unread> {
        let content = self.content.ok_or(Unread)?;
        content.noted(seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Unread> {
        let content = self.content.ok_or(Unread)?;
        content.noted(content.read_array(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        let content = self.content.ok_or(Unread)?;
        content.noted(content.read_struct(visitor))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use proptest::prelude::*;
    use serde::Deserialize;
    use serde::de::DeserializeOwned;
    use serde_json::Value;
    use serde_json::value::RawValue;

    use super::*;
    use crate::tape::{Tape, TapeBuffer};

    /// What is read from a tape, which has to be what is read from the text; whether anything was.
    fn read<T: DeserializeOwned + PartialEq + fmt::Debug>(text: &str) -> bool {
        let mut buffer = TapeBuffer::new();
        let ours = Tape::parse_into(&mut buffer, text).unwrap().root().read(|reader| T::deserialize(reader));
        let theirs = serde_json::from_str::<T>(text);
        if let Ok(ours) = &ours {
            assert_eq!(Some(ours), theirs.as_ref().ok(), "{text}");
        }
        ours.is_ok()
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Record {
        id: u64,
        name: String,
        #[serde(default)]
        small: Option<i8>,
        weight: f32,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    enum Shape {
        Point,
        Circle(f64),
        Line(i32, i32),
        Box { width: u8, height: u8 },
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
        Record(Record),
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Flat {
        kind: char,
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    }

    #[derive(Debug, Deserialize, PartialEq, Eq, Hash)]
    struct Newtype(String);

    #[test]
    fn types_are_read_as_from_their_text() {
        let record = r#"{"name":"a\u0062\n","id":18446744073709551615,"extra":[{}],"weight":1e-3}"#;
        assert!(read::<Record>(record));
        assert!(read::<Vec<Record>>(&format!("[{record},{record}]")));
        assert!(read::<Either>(record) && read::<Either>("-7") && read::<Either>("\"t\""));
        assert!(read::<Flat>(r#"{"kind":"é","a":1,"b":[null,-0,1.5,true]}"#));
        for shape in [
            r#""Point""#,
            r#"{"Circle":2}"#,
            r#"{"Line":[1,-2]}"#,
            r#"{"Box":{"height":1,"width":2}}"#,
            r#"{"Po\u0069nt":null}"#,
            r#"{"Box":[1,2]}"#,
        ] {
            assert!(read::<Shape>(shape), "{shape}");
        }
        assert!(read::<HashMap<Newtype, Option<(u8, bool)>>>(r#"{"a":[1,true],"b":null}"#));
        assert!(read::<(i128, u128, ())>("[-170141183460469231731687303715884105728,1,null]"));
        assert!(read::<Record>(r#"[1,"positional",2,3]"#));
    }

    #[test]
    fn what_does_not_fit_is_left_to_the_text() {
        for text in
            [r#"{"id":1}"#, r#"{"id":2.0,"name":"","weight":1}"#, r#"{"id":-1,"name":"","weight":1}"#, "3"]
        {
            assert!(!read::<Record>(text), "{text}");
        }
        assert!(!read::<Vec<u8>>("[1,256]") && !read::<(u8, u8)>("[1,2,3]") && !read::<(u8, u8)>("[1]"));
        assert!(!read::<Shape>(r#"{"Point":1}"#) && !read::<Shape>(r#"{"Circle":1,"Line":[1,2]}"#));
        assert!(!read::<i64>("-0") && !read::<f64>("1e999") && !read::<()>("0"));
        // Read by serde_json alone.
        assert!(!read::<HashMap<u32, bool>>(r#"{"7":true}"#));
        let mut buffer = TapeBuffer::new();
        let root = Tape::parse_into(&mut buffer, "[ 1 ]").unwrap().root();
        assert_eq!(root.read(|reader| Box::<RawValue>::deserialize(reader)).unwrap_err(), Unread);
    }

    #[test]
    fn what_a_type_makes_up_for_is_left_to_the_text_too() {
        fn lenient<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
            Ok(T::deserialize(from).unwrap_or_default())
        }

        #[derive(Debug, Deserialize, PartialEq)]
        struct Lenient {
            #[serde(deserialize_with = "lenient")]
            numbers: HashMap<u32, bool>,
            #[serde(default, deserialize_with = "lenient")]
            small: u8,
        }
        // serde_json reads the keys; here they would be lost without a word.
        assert!(!read::<Lenient>(r#"{"numbers":{"7":true}}"#));
        assert!(!read::<Lenient>(r#"{"numbers":{},"small":300}"#));
        assert!(read::<Lenient>(r#"{"numbers":{},"small":3}"#));
    }

    fn json() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter_map("finite", |number| number.is_finite().then(|| Value::from(number))),
            any::<String>().prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 48, 8, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_is_read_as_from_its_text(value in json()) {
            prop_assert!(read::<Value>(&value.to_string()));
        }

        #[test]
        fn numbers_are_read_as_from_their_text(number in "-?(0|[1-9][0-9]{0,22})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?") {
            read::<Value>(&number);
            read::<f64>(&number);
            read::<f32>(&number);
            read::<i64>(&number);
            read::<u8>(&number);
            read::<i128>(&number);
            read::<u128>(&number);
        }
    }
}
