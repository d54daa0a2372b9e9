//! Values of files that nobody promised to write as their specification says. A field of another type than expected
//! reads as absent, so that one odd entry does not hide the thousand good ones beside it; what is not asked for is
//! passed over without being kept. The nesting that the format's reader allows (128) holds inside them too.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{
        IgnoredAny, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

/// The answers that are the same for all of them: a scalar that was not expected is no value.
macro_rules! nothing {
    ($value:expr; $($name:ident($kind:ty)),*) => {
        $(fn $name<E: serde::de::Error>(self, _: $kind) -> Result<Self::Value, E> { Ok($value) })*
        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> { Ok($value) }
        fn visit_none<E: serde::de::Error>(self) -> Result<Self::Value, E> { Ok($value) }
        fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Self::Value, D::Error> {
            inner.deserialize_any(self)
        }
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str("any value") }
    };
}

fn drain_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

fn drain_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// A text; a number is its digits, anything else is the empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl Text {
    /// The text, if there is one.
    pub(crate) fn get(&self) -> Option<&str> {
        Some(self.0.trim()).filter(|t| !t.is_empty())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Text;
            nothing!(Text::default(); visit_bool(bool));
            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }
            fn visit_i64<E>(self, n: i64) -> Result<Text, E> {
                Ok(Text(n.to_string()))
            }
            fn visit_u64<E>(self, n: u64) -> Result<Text, E> {
                Ok(Text(n.to_string()))
            }
            fn visit_f64<E>(self, n: f64) -> Result<Text, E> {
                Ok(Text(n.to_string()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
                // TOML's dates arrive as a map of one private key.
                drain_map(map).map(|()| Text::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Text, A::Error> {
                drain_seq(seq).map(|()| Text::default())
            }
        }
        deserializer.deserialize_any(V)
    }
}

/// True where the file says so, and nowhere else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flag(pub(crate) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Flag;
            nothing!(Flag(false); visit_str(&str), visit_i64(i64), visit_u64(u64), visit_f64(f64));
            fn visit_bool<E>(self, value: bool) -> Result<Flag, E> {
                Ok(Flag(value))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Flag, A::Error> {
                drain_map(map).map(|()| Flag(false))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Flag, A::Error> {
                drain_seq(seq).map(|()| Flag(false))
            }
        }
        deserializer.deserialize_any(V)
    }
}

/// A map in the order of the file; anything else is an empty one. Keys that are no text are passed over.
#[derive(Clone, Debug)]
pub(crate) struct Table<T>(pub(crate) Vec<(String, T)>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Table<T> {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for V<T> {
            type Value = Table<T>;
            nothing!(Table::default(); visit_bool(bool), visit_str(&str), visit_i64(i64), visit_u64(u64), visit_f64(f64));
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Table<T>, A::Error> {
                let mut out = Vec::new();
                while let Some(key) = map.next_key::<Text>()? {
                    out.push((key.0, map.next_value()?));
                }
                Ok(Table(out))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Table<T>, A::Error> {
                drain_seq(seq).map(|()| Table::default())
            }
        }
        deserializer.deserialize_any(V(PhantomData))
    }
}

/// A list; anything else is an empty one.
#[derive(Clone, Debug)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for V<T> {
            type Value = List<T>;
            nothing!(List::default(); visit_bool(bool), visit_str(&str), visit_i64(i64), visit_u64(u64), visit_f64(f64));
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<List<T>, A::Error> {
                drain_map(map).map(|()| List::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
                let mut out = Vec::new();
                while let Some(item) = seq.next_element()? {
                    out.push(item);
                }
                Ok(List(out))
            }
        }
        deserializer.deserialize_any(V(PhantomData))
    }
}

/// A value that may be a text, a map or a list, each read as its own type: `"1.0"` or `{version = "1.0"}`.
#[derive(Clone, Debug)]
pub(crate) enum Either<M, S = IgnoredAny> {
    /// A text; the digits of a number; empty where there is nothing of use.
    Text(String),
    /// A map.
    Map(M),
    /// A list.
    List(Vec<S>),
}

impl<M, S> Default for Either<M, S> {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl<M, S> Either<M, S> {
    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.trim()).filter(|t| !t.is_empty()),
            _ => None,
        }
    }

    /// The map, if it is one.
    pub(crate) fn map(&self) -> Option<&M> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }
}

impl<'de, M: Deserialize<'de>, S: Deserialize<'de>> Deserialize<'de> for Either<M, S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V<M, S>(PhantomData<(M, S)>);
        impl<'de, M: Deserialize<'de>, S: Deserialize<'de>> Visitor<'de> for V<M, S> {
            type Value = Either<M, S>;
            nothing!(Either::default(); visit_bool(bool));
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Either::Text(text.to_owned()))
            }
            fn visit_i64<E>(self, n: i64) -> Result<Self::Value, E> {
                Ok(Either::Text(n.to_string()))
            }
            fn visit_u64<E>(self, n: u64) -> Result<Self::Value, E> {
                Ok(Either::Text(n.to_string()))
            }
            fn visit_f64<E>(self, n: f64) -> Result<Self::Value, E> {
                Ok(Either::Text(n.to_string()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                M::deserialize(MapAccessDeserializer::new(map)).map(Either::Map)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                Vec::<S>::deserialize(SeqAccessDeserializer::new(seq)).map(Either::List)
            }
        }
        deserializer.deserialize_any(V(PhantomData))
    }
}

/// A map read as `T`; anything else is `T`'s default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record<T>(pub(crate) T);

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Record<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Either::<T, IgnoredAny>::deserialize(deserializer)? {
            Either::Map(value) => Self(value),
            _ => Self::default(),
        })
    }
}

impl<T> std::ops::Deref for Record<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Odd {
        text: Text,
        flag: Flag,
        list: List<Text>,
        table: Table<Text>,
        either: Either<Table<Text>, Text>,
        record: Record<Inner>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Inner {
        x: Text,
    }

    #[test]
    fn any_value_in_any_place() {
        for value in ["null", "true", "1", "-1.5", "\"a\"", "[]", "[1,[2]]", "{}", "{\"a\":{\"b\":[1]}}"] {
            for field in ["text", "flag", "list", "table", "either", "record"] {
                let json = format!("{{\"{field}\": {value}}}");
                let odd: Odd = serde_json::from_str(&json).unwrap_or_else(|e| panic!("{json}: {e}"));
                let yaml: Odd = serde_norway::from_str(&json).unwrap_or_else(|e| panic!("{json}: {e}"));
                assert_eq!(format!("{odd:?}"), format!("{yaml:?}"));
                if !value.contains("null") {
                    let toml = format!("{field} = {}", value.replace("\":", "\"="));
                    let toml: Odd = toml::from_str(&toml).unwrap_or_else(|e| panic!("{toml}: {e}"));
                    assert_eq!(format!("{odd:?}"), format!("{toml:?}"));
                }
            }
        }
        let good = r#"{"text":"t","flag":true,"list":["a",1],"table":{"k":"v"},"either":["z"],"record":{"x":"y"}}"#;
        let good: Odd = serde_json::from_str(good).unwrap();
        assert_eq!((good.text.get(), good.flag.0, good.list.0.len()), (Some("t"), true, 2));
        assert_eq!((good.table.get("k").and_then(Text::get), good.record.x.get()), (Some("v"), Some("y")));
        assert!(matches!(good.either, Either::List(l) if l.len() == 1));
    }
}
