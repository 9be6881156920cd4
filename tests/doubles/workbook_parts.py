"""Workbooks written by hand, part by part: what no library writes, and programs do."""

import io
import zipfile
from pathlib import Path

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def zipped(parts: dict[str, bytes | str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return content.getvalue()


def xlsx(
    rows: str, *, namespace: str = MAIN, after: str = "", texts: str = "", book: str = "", kind: str = "xml"
) -> dict[str, bytes | str]:
    """The parts of a workbook with this one sheet, `x`; `rows` and `texts` are XML."""
    related = "http://purl.oclc.org/ooxml/officeDocument/relationships" if namespace == STRICT else _RELATED
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    return {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{related}/officeDocument"'
        f' Target="xl/workbook.{kind}"/></Relationships>',
        f"xl/workbook.{kind}": f'<workbook xmlns="{namespace}" xmlns:r="{related}">{book}'
        '<sheets><sheet name="x" sheetId="1" r:id="r1"/></sheets></workbook>',
        f"xl/_rels/workbook.{kind}.rels": f'<Relationships xmlns="{package}">'
        f'<Relationship Id="r1" Type="{related}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{related}/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{namespace}"><sheetData>{rows}</sheetData>{after}</worksheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{namespace}">{texts}</sst>',
    }


def text_cell(at: str, text: str) -> str:
    return f'<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>'


HEADER = f'<row r="1">{text_cell("A1", "Nr")}{text_cell("B1", "x")}</row>'
NUMBER = '<row r="2"><c r="A2"><v>1</v></c></row>'

_ODS = (
    '<office:{root} xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    ' xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
    ' xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0"'
    ' xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
    ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"{more}>'
    "<office:automatic-styles>{styles}</office:automatic-styles>"
    "<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:{root}>"
)


def ods_table(rows: str, name: str = "x", style: str = "") -> str:
    return f'<table:table table:name="{name}" table:style-name="{style}">{rows}</table:table>'


def ods(tables: str, *, styles: str = "", manifest: str = "<manifest/>") -> dict[str, bytes | str]:
    return {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "content.xml": _ODS.format(root="document-content", more="", styles=styles, tables=tables),
        "META-INF/manifest.xml": manifest,
    }


def fods(tables: str) -> str:
    kind = ' office:mimetype="application/vnd.oasis.opendocument.spreadsheet"'
    return '<?xml version="1.0"?>' + _ODS.format(root="document", more=kind, styles="", tables=tables)


def ods_row(*texts: str, more: str = "") -> str:
    cells = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>' for text in texts
    )
    return f"<table:table-row>{cells}{more}</table:table-row>"


def save(file: Path, parts: dict[str, bytes | str]) -> Path:
    file.write_bytes(zipped(parts))
    return file
