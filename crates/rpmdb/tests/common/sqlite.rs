//! A writer of SQLite files with the one table that rpm keeps its headers in, and of write-ahead logs.

pub struct SqliteWriter {
    pub page_size: usize,
    pub table: &'static str,
}

impl Default for SqliteWriter {
    fn default() -> Self {
        Self { page_size: 4096, table: "Packages" }
    }
}

pub fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = vec![(value & 0x7f) as u8];
    value >>= 7;
    while value > 0 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.reverse();
    bytes
}

fn record(fields: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let types: Vec<u8> = fields.iter().flat_map(|(serial, _)| varint(*serial)).collect();
    assert!(types.len() < 127);
    let mut bytes = varint(types.len() as u64 + 1);
    bytes.extend(types);
    bytes.extend(fields.iter().flat_map(|(_, value)| value.clone()));
    bytes
}

fn text(value: &str) -> (u64, Vec<u8>) {
    (value.len() as u64 * 2 + 13, value.as_bytes().to_vec())
}

/// Lays cells out on a page: pointers from the front, content from the back.
fn fill(page: &mut [u8], head: usize, kind: u8, right: Option<u32>, cells: &[Vec<u8>]) {
    let mut end = page.len();
    let pointers = head + if right.is_some() { 12 } else { 8 };
    page[head] = kind;
    page[head + 3..head + 5].copy_from_slice(&(cells.len() as u16).to_be_bytes());
    for (index, cell) in cells.iter().enumerate() {
        end -= cell.len();
        page[end..end + cell.len()].copy_from_slice(cell);
        page[pointers + 2 * index..pointers + 2 * index + 2].copy_from_slice(&(end as u16).to_be_bytes());
    }
    assert!(pointers + 2 * cells.len() <= end);
    page[head + 5..head + 7].copy_from_slice(&(end as u16).to_be_bytes());
    if let Some(right) = right {
        page[head + 8..head + 12].copy_from_slice(&right.to_be_bytes());
    }
}

impl SqliteWriter {
    pub fn build(&self, blobs: &[Vec<u8>]) -> Vec<u8> {
        let size = self.page_size;
        let mut pages = vec![vec![0; size]; 2];
        let mut leaves: Vec<Vec<Vec<u8>>> = vec![Vec::new()];
        let mut last_row = Vec::new();
        for (index, blob) in blobs.iter().enumerate() {
            let payload = record(&[(0, Vec::new()), (blob.len() as u64 * 2 + 12, blob.clone())]);
            let most = size - 35;
            let least = (size - 12) * 32 / 255 - 23;
            let fitting = least + payload.len().saturating_sub(least) % (size - 4);
            let local = match payload.len() {
                length if length <= most => length,
                _ if fitting <= most => fitting,
                _ => least,
            };
            let mut cell = [varint(payload.len() as u64), varint(index as u64 + 1)].concat();
            cell.extend(&payload[..local]);
            if local < payload.len() {
                cell.extend((pages.len() as u32 + 1).to_be_bytes());
                let chunks: Vec<&[u8]> = payload[local..].chunks(size - 4).collect();
                for (at, chunk) in chunks.iter().enumerate() {
                    let next = if at + 1 < chunks.len() { pages.len() as u32 + 2 } else { 0 };
                    let mut page = [&next.to_be_bytes()[..], chunk].concat();
                    page.resize(size, 0);
                    pages.push(page);
                }
            }
            let leaf = leaves.last_mut().unwrap();
            let taken: usize = leaf.iter().map(|cell| cell.len() + 2).sum();
            if taken + cell.len() + 2 + 8 > size {
                leaves.push(Vec::new());
                last_row.push(index as u64);
            }
            leaves.last_mut().unwrap().push(cell);
        }
        // Level by level up to one page, which is page 2; a level's nodes are their cells and last row number.
        let rows = blobs.len() as u64;
        last_row.push(rows);
        let mut level: Vec<(Vec<Vec<u8>>, Option<u32>, u64)> =
            leaves.into_iter().zip(last_row).map(|(cells, last)| (cells, None, last)).collect();
        while level.len() > 1 {
            let mut children = Vec::new();
            for (cells, right, last) in &level {
                let mut page = vec![0; size];
                fill(&mut page, 0, if right.is_some() { 5 } else { 13 }, *right, cells);
                pages.push(page);
                children.push((pages.len() as u32, *last));
            }
            level = children
                .chunks(size / 16)
                .map(|group| {
                    let (right, last) = *group.last().unwrap();
                    let cells = group[..group.len() - 1]
                        .iter()
                        .map(|(page, last)| [page.to_be_bytes().to_vec(), varint(*last)].concat())
                        .collect();
                    (cells, Some(right), last)
                })
                .collect();
        }
        let (cells, right, _) = &level[0];
        fill(&mut pages[1], 0, if right.is_some() { 5 } else { 13 }, *right, cells);
        let sql = format!("CREATE TABLE '{}' (hnum INTEGER PRIMARY KEY,blob BLOB NOT NULL)", self.table);
        let schema = record(&[text("table"), text(self.table), text(self.table), (1, vec![2]), text(&sql)]);
        let cell = [varint(schema.len() as u64), varint(1), schema].concat();
        let count = pages.len() as u32;
        let first = &mut pages[0];
        fill(first, 100, 13, None, &[cell]);
        first[..16].copy_from_slice(b"SQLite format 3\0");
        let short = if size == 65536 { 1 } else { size as u16 };
        first[16..18].copy_from_slice(&short.to_be_bytes());
        first[18..24].copy_from_slice(&[1, 1, 0, 64, 32, 32]);
        for (at, value) in [(24, 1), (28, count), (40, 1), (44, 4), (56, 1), (92, 1), (96, 3_040_000)] {
            first[at..at + 4].copy_from_slice(&u32::to_be_bytes(value));
        }
        pages.concat()
    }
}

/// Writes a log; each frame is a page number, the database's size when it commits (else 0), and the page.
pub fn wal(page_size: usize, big_endian: bool, frames: &[(u32, u32, Vec<u8>)]) -> Vec<u8> {
    let sum = |(mut a, mut b): (u32, u32), bytes: &[u8]| {
        let word = |raw: &[u8]| {
            let raw = raw.try_into().unwrap();
            if big_endian { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) }
        };
        for group in bytes.chunks(8) {
            a = a.wrapping_add(word(&group[..4])).wrapping_add(b);
            b = b.wrapping_add(word(&group[4..])).wrapping_add(a);
        }
        (a, b)
    };
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
    let mut log = words(&[0x377f_0682 | u32::from(big_endian), 3_007_000, page_size as u32, 0, 11, 22]);
    let mut sums = sum((0, 0), &log);
    log.extend(words(&[sums.0, sums.1]));
    for (number, commit, page) in frames {
        let head = words(&[*number, *commit]);
        sums = sum(sum(sums, &head), page);
        log.extend(head);
        log.extend(words(&[11, 22, sums.0, sums.1]));
        log.extend(page);
    }
    log
}
