//! Patterns for the names of scenarios.

/// True if `pattern` names `id`: as a whole, or a folder it is in.
///
/// `*` stands for any characters, `?` for one, `{a,b}` for either.
pub(crate) fn matches(pattern: &str, id: &str) -> bool {
    let ends = id.match_indices('/').map(|(at, _)| at);
    let prefixes: Vec<&str> = ends.chain([id.len()]).map(|end| &id[..end]).collect();
    let pattern = pattern.trim_end_matches('/');
    alternatives(pattern).iter().any(|plain| {
        prefixes
            .iter()
            .any(|part| whole(plain.as_bytes(), part.as_bytes()))
    })
}

/// The patterns without braces that `pattern` stands for.
fn alternatives(pattern: &str) -> Vec<String> {
    let Some(open) = pattern.find('{') else {
        return vec![pattern.to_owned()];
    };
    let Some(length) = pattern[open..].find('}') else {
        return vec![pattern.to_owned()];
    };
    let (before, rest) = (&pattern[..open], &pattern[open + length + 1..]);
    let choices = pattern[open + 1..open + length].split(',');
    choices
        .flat_map(|choice| alternatives(&format!("{before}{choice}{rest}")))
        .collect()
}

fn whole(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', rest @ ..] => (0..=text.len()).any(|skip| whole(rest, &text[skip..])),
        [first, rest @ ..] => match text {
            [byte, text @ ..] => (*first == b'?' || first == byte) && whole(rest, text),
            [] => false,
        },
    }
}

#[cfg(test)]
mod tests;
