//! Numbers and sizes as people read them.

/// A number with its thousands apart: `1,234,567`.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size in the unit that suits it: `640 B`, `12.3 KiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    // 1023.95 would be shown as 1024.0.
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if value >= 100.0 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// A large number in few characters: `12.3k`, `4.5M`.
pub fn short(value: u64) -> String {
    match value {
        0..1_000 => value.to_string(),
        1_000..99_950 => format!("{:.1}k", value as f64 / 1e3),
        99_950..999_500 => format!("{:.0}k", value as f64 / 1e3),
        999_500..999_500_000 => format!("{:.1}M", value as f64 / 1e6),
        _ => format!("{:.1}G", value as f64 / 1e9),
    }
}

/// A share in percent: `12.3 %`.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0 %".to_owned();
    }
    format!("{:.1} %", part as f64 * 100.0 / whole as f64)
}

/// The bounds of a size class: `256 B – 1 KiB`, without decimals.
pub fn class(from: u64, to: Option<u64>) -> String {
    let bound = |bytes: u64| size(bytes).replace(".0", "");
    match to {
        Some(1) => "empty".to_owned(),
        Some(to) => format!("< {}", bound(to)),
        None => format!("\u{2265} {}", bound(from)),
    }
}

/// One or many: `1 file`, `2 files`.
pub fn count(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(value), if value == 1 { one } else { many })
}

#[cfg(test)]
mod tests;
