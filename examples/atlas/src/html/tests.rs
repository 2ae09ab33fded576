use super::*;

#[test]
fn names_cannot_break_out_of_the_page() {
    let hostile = "<script>alert(\"1\" & '2')</script>\n";
    let safe = escape(hostile);
    assert!(!safe.contains(['<', '>', '"', '\'', '\n']), "{safe}");
    assert!(safe.starts_with("&lt;script&gt;"));
}
