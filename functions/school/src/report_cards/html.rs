//! Sheets as one self-contained page for browsers and printers, without scripts.

use homeroom_domain::files::picture;
use homeroom_objects::documents::{
    Align, DocumentRequest, Fact, Letterhead, Orientation, Sheet, Table,
};

const STYLE: &str = "\
:root{color-scheme:light}\
body{font:11pt/1.4 system-ui,\"Noto Sans\",sans-serif;color:#1a1a1a;background:#fff;margin:1rem auto;max-width:62rem;padding:0 1rem}\
article{break-after:page;margin-bottom:3rem;position:relative}\
article:last-child{break-after:auto}\
header{border-bottom:2px solid #1f4e79;margin-bottom:.8rem;padding-bottom:.3rem;display:flex;gap:1rem;align-items:center}\
.head{flex:1;min-width:0;overflow-wrap:anywhere}\
.logo{width:50mm;height:20mm;max-width:30%}\
.once{position:absolute;width:0;height:0}\
.school{font-size:1.35em;font-weight:700;margin:0}\
h1{font-size:1.15em;margin:.2rem 0 0}\
.about{margin:0 0 .4rem;color:#444}\
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:.25rem 1.5rem;margin:.6rem 0}\
dl div{display:flex;gap:.5rem;justify-content:space-between;border-bottom:1px dotted #999}\
dt{color:#444}dd{margin:0;font-weight:600;text-align:right}\
.scroll{overflow-x:auto}\
table{border-collapse:collapse;width:100%;font-size:.92em}\
th,td{border:1px solid #8a8a8a;padding:.2rem .4rem;text-align:start;vertical-align:top}\
thead th{background:#e3ecf5;vertical-align:bottom}\
th[scope=row]{font-weight:600}\
.end{text-align:end;font-variant-numeric:tabular-nums}.center{text-align:center}\
tr.sum th,tr.sum td{background:#f1f1f1;font-weight:600}\
h2{font-size:1em;margin:.8rem 0 .1rem}\
.text{margin:0;white-space:pre-line}\
.signatures{display:flex;gap:2rem;margin-top:3rem}\
.signatures p{flex:1;border-top:1px solid #1a1a1a;margin:0;padding-top:.2rem;font-size:.9em}\
footer{margin-top:1rem;color:#444;font-size:.85em}\
.state{display:inline-block;border:2px solid #9c1c1c;color:#9c1c1c;font-weight:700;padding:0 .5rem;margin:0}\
.wide{max-width:none}\
@media print{body{margin:0;max-width:none;padding:0}.scroll{overflow:visible}thead{display:table-header-group}tr{break-inside:avoid}}\
@page{size:A4 ";

/// What a browser may load for such a page: what is in it, and nothing else.
pub(crate) const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'";

/// The whole page.
pub(crate) fn page(request: &DocumentRequest) -> String {
    let is_wide = |sheet: &Sheet| sheet.orientation == Orientation::Landscape;
    let wide = request.sheets.iter().any(is_wide);
    let mut html = String::with_capacity(8_192 * request.sheets.len().max(1));
    html.push_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    escape(&mut html, &request.title);
    html.push_str("</title>\n<style>");
    html.push_str(STYLE);
    html.push_str(if wide { "landscape" } else { "portrait" });
    html.push_str(";margin:12mm}</style>\n</head>\n<body");
    html.push_str(if wide {
        " class=\"wide\">\n<main>\n"
    } else {
        ">\n<main>\n"
    });
    let letterhead = &request.letterhead;
    if let Some(logo) = &letterhead.logo {
        write_logo(&mut html, logo);
    }
    for sheet in &request.sheets {
        write_sheet(&mut html, letterhead, sheet);
    }
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

/// The logo, once for all sheets, which draw it by its name.
fn write_logo(html: &mut String, logo: &str) {
    html.push_str("<svg class=\"once\" aria-hidden=\"true\"><symbol id=\"logo\" viewBox=\"0 0 100 40\"><image width=\"100\" height=\"40\" preserveAspectRatio=\"xMaxYMid\" href=\"data:");
    html.push_str(picture::content_type(logo));
    html.push_str(";base64,");
    escape(html, logo);
    html.push_str("\"/></symbol></svg>\n");
}

fn write_sheet(html: &mut String, letterhead: &Letterhead, sheet: &Sheet) {
    html.push_str("<article>\n<header>\n<div class=\"head\">\n");
    element(html, "<p class=\"school\">", &letterhead.name, "</p>\n");
    element(html, "<h1>", &sheet.title, "</h1>\n");
    element(html, "<p class=\"about\">", &sheet.subtitle, "</p>\n");
    if let Some(state) = &sheet.watermark {
        element(html, "<p class=\"state\">", state, "</p>\n");
    }
    html.push_str("</div>\n");
    if letterhead.logo.is_some() {
        html.push_str("<svg class=\"logo\" aria-hidden=\"true\"><use href=\"#logo\"/></svg>\n");
    }
    html.push_str("</header>\n");
    write_facts(html, &sheet.facts);
    if let Some(table) = &sheet.table {
        write_table(html, sheet, table);
    }
    write_facts(html, &sheet.summary);
    for paragraph in &sheet.paragraphs {
        element(html, "<h2>", &paragraph.heading, "</h2>\n");
        element(html, "<p class=\"text\">", &paragraph.text, "</p>\n");
    }
    if !sheet.signatures.is_empty() {
        html.push_str("<div class=\"signatures\">");
        for name in &sheet.signatures {
            element(html, "<p>", name, "</p>");
        }
        html.push_str("</div>\n");
    }
    element(html, "<footer>", &sheet.footer, "</footer>\n");
    html.push_str("</article>\n");
}

fn write_facts(html: &mut String, facts: &[Fact]) {
    if facts.is_empty() {
        return;
    }
    html.push_str("<dl>\n");
    for fact in facts {
        element(html, "<div><dt>", &fact.label, "</dt>");
        element(html, "<dd>", &fact.value, "</dd></div>\n");
    }
    html.push_str("</dl>\n");
}

fn write_table(html: &mut String, sheet: &Sheet, table: &Table) {
    let class = |align: Align| match align {
        Align::Start => "",
        Align::End => " class=\"end\"",
        Align::Center => " class=\"center\"",
    };
    // The cell that names a row: the first column of text that says more than a number.
    // Broadsheets name their rows in the third column, after position and number.
    let names = if sheet.orientation == Orientation::Landscape {
        2
    } else {
        0
    };
    html.push_str("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
    escape(html, &sheet.title);
    html.push_str("\"><table>\n<thead><tr>");
    for column in &table.columns {
        let open = format!("<th scope=\"col\"{}>", class(column.align));
        element(html, &open, &column.heading, "</th>");
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for (number, row) in (0..).zip(&table.rows) {
        html.push_str(if table.emphasis.contains(&number) {
            "<tr class=\"sum\">"
        } else {
            "<tr>"
        });
        for (n, (cell, column)) in row.iter().zip(&table.columns).enumerate() {
            let align = class(column.align);
            if n == names {
                element(html, &format!("<th scope=\"row\"{align}>"), cell, "</th>");
            } else {
                element(html, &format!("<td{align}>"), cell, "</td>");
            }
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table></div>\n");
}

fn element(html: &mut String, open: &str, text: &str, close: &str) {
    html.push_str(open);
    escape(html, text);
    html.push_str(close);
}

fn escape(html: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
}
