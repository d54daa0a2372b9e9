//! Maven artifacts: Java, Kotlin, Scala, Android.
//!
//! Source: `ComparableVersion` of Maven 3.9 and the "version order specification" of the POM
//! reference. A version is a list of numbers and words, in which a hyphen, and every change between
//! digits and letters, begins a list inside the list. Trailing zeros and release words fall away. The
//! known words come in the order `alpha` (`a1`), `beta` (`b1`), `milestone` (`m1`), `rc` (`cr`), `snapshot`, the release
//! (`ga`, `final`, `release`), `sp`; all others come after, by their letters. Case does not count.
//!
//! One line differs from the class and follows the specification ("trailing null values are trimmed,
//! at each hyphen"): `1-ga-1` is `1-1`, where `ComparableVersion` says that it is older.
//!
//! The lists nest once for each hyphen or change of kind, so the depth is bounded by the length of the
//! version; all walks go down one chain, and the limit of [`crate::MAX_VERSION_LEN`] bounds them.

use std::cmp::Ordering;

use crate::digits;

#[derive(Debug)]
enum Item {
    /// Digits without leading zeros; zero is empty.
    Number(Vec<u8>),
    Word(Word),
    List(Vec<Item>),
}

/// A word's place among the known ones, and its letters where it is not known.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Word {
    rank: u8,
    text: Vec<u8>,
}

const RELEASE: u8 = 5;

impl Word {
    fn new(text: &[u8], before_digit: bool) -> Self {
        let rank = match text {
            b"a" if before_digit => 0,
            b"b" if before_digit => 1,
            b"m" if before_digit => 2,
            b"alpha" => 0,
            b"beta" => 1,
            b"milestone" => 2,
            b"rc" | b"cr" => 3,
            b"snapshot" => 4,
            b"" | b"ga" | b"final" | b"release" => RELEASE,
            b"sp" => 6,
            _ => 7,
        };
        Word { rank, text: if rank == 7 { text.to_vec() } else { Vec::new() } }
    }
}

impl Item {
    fn is_null(&self) -> bool {
        match self {
            Item::Number(n) => n.is_empty(),
            Item::Word(w) => w.rank == RELEASE,
            Item::List(l) => l.is_empty(),
        }
    }

    fn class(&self) -> u8 {
        match self {
            Item::Word(_) => 0,
            Item::List(_) => 1,
            Item::Number(_) => 2,
        }
    }

    fn cmp_nothing(&self) -> Ordering {
        match self {
            Item::Number(n) => n.len().cmp(&0),
            Item::Word(w) => w.rank.cmp(&RELEASE),
            Item::List(l) => l.iter().map(Item::cmp_nothing).find(|o| o.is_ne()).unwrap_or(Ordering::Equal),
        }
    }

    fn compare(&self, other: &Item) -> Ordering {
        match (self, other) {
            (Item::Number(a), Item::Number(b)) => digits::cmp(a, b),
            (Item::Word(a), Item::Word(b)) => a.cmp(b),
            (Item::List(a), Item::List(b)) => compare_lists(a, b),
            _ => self.class().cmp(&other.class()),
        }
    }
}

fn compare_lists(a: &[Item], b: &[Item]) -> Ordering {
    let (mut a, mut b) = (a.iter(), b.iter());
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (Some(x), None) => x.cmp_nothing(),
            (None, Some(y)) => y.cmp_nothing().reverse(),
            (Some(x), Some(y)) => x.compare(y),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Builds the nested lists: `stack` holds the open ones, the outermost first.
struct Builder {
    stack: Vec<Vec<Item>>,
}

impl Builder {
    fn current(&mut self) -> &mut Vec<Item> {
        if self.stack.is_empty() {
            self.stack.push(Vec::new());
        }
        let last = self.stack.len() - 1;
        &mut self.stack[last]
    }

    fn add(&mut self, item: Item) {
        self.current().push(item);
    }

    fn open(&mut self) {
        self.stack.push(Vec::new());
    }

    fn open_unless_empty(&mut self) {
        if !self.current().is_empty() {
            self.open();
        }
    }

    /// Closes all lists from the inside, trimming each.
    fn finish(mut self) -> Vec<Item> {
        let mut inner: Option<Vec<Item>> = None;
        while let Some(mut list) = self.stack.pop() {
            if let Some(inner) = inner.take() {
                list.push(Item::List(inner));
            }
            normalize(&mut list);
            inner = Some(list);
        }
        inner.unwrap_or_default()
    }
}

/// Drops zeros, release words and empty lists from the end; lists that stay do not stop it.
fn normalize(list: &mut Vec<Item>) {
    for i in (0..list.len()).rev() {
        if list[i].is_null() {
            list.remove(i);
        } else if !matches!(list[i], Item::List(_)) {
            break;
        }
    }
}

fn item(digit: bool, text: &[u8]) -> Item {
    if digit { Item::Number(digits::strip_zeros(text).to_vec()) } else { Item::Word(Word::new(text, false)) }
}

fn parse(version: &str) -> Vec<Item> {
    let text = version.trim().to_lowercase();
    let v = text.as_bytes();
    let mut out = Builder { stack: vec![Vec::new()] };
    let (mut digit, mut start) = (false, 0);
    for (i, c) in v.iter().copied().enumerate() {
        match c {
            b'.' | b'-' => {
                if i == start {
                    out.add(Item::Number(Vec::new()));
                } else {
                    let item = item(digit, &v[start..i]);
                    // `1-ga-1` is `1-1`: see the head of the file.
                    let trimmed = c == b'-'
                        && v[..start].last() == Some(&b'-')
                        && matches!(&item, Item::Word(w) if w.rank == RELEASE)
                        && v.get(i + 1).is_some_and(u8::is_ascii_digit)
                        && out.current().is_empty();
                    if trimmed {
                        start = i + 1;
                        continue;
                    }
                    out.add(item);
                }
                start = i + 1;
                if c == b'-' {
                    out.open();
                }
            }
            b'0'..=b'9' => {
                if !digit && i > start {
                    // `1.rc1` is `1-rc1`.
                    out.open_unless_empty();
                    out.add(Item::Word(Word::new(&v[start..i], true)));
                    start = i;
                    out.open();
                }
                digit = true;
            }
            _ => {
                if digit && i > start {
                    out.add(item(true, &v[start..i]));
                    start = i;
                    out.open();
                }
                digit = false;
            }
        }
    }
    if v.len() > start {
        if !digit {
            out.open_unless_empty();
        }
        out.add(item(digit, &v[start..]));
    }
    out.finish()
}

pub(crate) fn compare(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    compare_lists(&parse(a), &parse(b))
}
