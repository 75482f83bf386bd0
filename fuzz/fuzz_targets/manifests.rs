//! Manifests: any text is read or refused with faults whose places it has, and every fault can be
//! shown.

#![no_main]

use assignctl::manifest::read_texts;
use assignctl::render::diagnostics::diagnostics;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // A second file begins at a line of its own.
    let texts = text
        .split("\n%%%\n")
        .take(3)
        .enumerate()
        .map(|(number, text)| (format!("{number}.yaml"), text.to_owned()))
        .collect();
    let loaded = read_texts(texts);
    for fault in &loaded.diagnostics {
        for place in fault
            .place
            .iter()
            .chain(fault.related.iter().map(|(place, _)| place))
        {
            let text = &loaded.sources.file(place.file).text;
            let lines = text.replace("\r\n", "\n").matches(['\n', '\r']).count() + 1;
            assert!(place.line >= 1 && place.line <= lines, "{place:?}");
            assert!(place.column >= 1 && place.length >= 1, "{place:?}");
        }
    }
    let shown = diagnostics(&loaded.diagnostics, &loaded.sources, false);
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
});
