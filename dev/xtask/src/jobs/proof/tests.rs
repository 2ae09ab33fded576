use super::look;
use super::page::{Page, Row};
use crate::primitives::Primitive;

fn primitive(name: &str) -> Primitive {
    Primitive {
        name: name.to_owned(),
        ..Primitive::default()
    }
}

fn row(name: &str, result: &str) -> Row {
    let cell = || "1".to_owned();
    Row {
        name: name.to_owned(),
        models: cell(),
        executions: cell(),
        schedules: cell(),
        sites: "3 of 3".to_owned(),
        planted: cell(),
        histories: "–".to_owned(),
        faults: cell(),
        result: result.to_owned(),
    }
}

fn page() -> Page {
    let cells = |count: usize| vec![(0..count).map(|cell| format!("c{cell}")).collect()];
    Page {
        rows: vec![row("Mutex", "ok"), row("Rendezvous, RendezvousGroup", "ok")],
        planted: cells(5),
        peers: cells(4),
        sanitizers: Vec::new(),
        litmus: cells(4),
    }
}

#[test]
fn what_is_written_is_read() {
    let page = page();
    assert_eq!(Page::parse(&page.render()), page);
}

#[test]
fn the_form_and_every_row_are_looked_for() {
    let primitives = [primitive("Mutex"), primitive("Rendezvous, RendezvousGroup")];
    let text = page().render();
    assert_eq!(look(&text, &primitives), [""; 0]);
    assert_eq!(
        look(&text.replace("not proved", "proved"), &primitives).len(),
        1
    );
    assert_eq!(
        look(&text, &[primitive("Mutex"), primitive("Once")]).len(),
        2
    );
    assert!(look("", &primitives).len() == 3);
    let failed = Page {
        rows: vec![row("Mutex", "FAILED")],
        ..Page::default()
    };
    assert_eq!(look(&failed.render(), &primitives[..1]).len(), 1);
}

#[test]
fn what_was_not_counted_anew_is_kept() {
    let old = page();
    let mut new = Page {
        rows: vec![Row {
            executions: "–".to_owned(),
            schedules: "7".to_owned(),
            ..row("Mutex", "not run")
        }],
        ..Page::default()
    };
    new.keep(&old);
    let kept = &new.rows[0];
    assert_eq!(
        (&*kept.executions, &*kept.schedules, &*kept.result),
        ("1", "7", "ok")
    );
    assert_eq!((&new.peers, &new.litmus), (&old.peers, &old.litmus));
}
