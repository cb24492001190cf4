import { describe, expect, test } from '@jest/globals'
import { childrenOf, childText, escapeXml, parseXml, XmlProblem } from './xml.ts'

describe('XML of S3', () => {
  test('reads elements, text, attributes and empty elements', () => {
    const root = parseXml(
      `<?xml version="1.0" encoding="UTF-8"?>\n<L xmlns="http://s3"  a='b>'>\n <C><K>x</K><S>12</S></C><C/>\n<N a="1" />t</L>\n`,
    )
    expect(root.name).toBe('L')
    expect(childrenOf(root, 'C').map(child => child.children.length)).toEqual([2, 0])
    expect(childText(root.children[0] ?? root, 'K')).toBe('x')
    expect([childText(root, 'N'), childText(root, 'none')]).toEqual(['', undefined])
  })

  test('resolves entities', () => {
    expect(parseXml('<a>&lt;&amp;amp;&gt;&quot;&apos;&#65;&#x1F600;&#10;</a>').text).toBe('<&amp;>"\'A😀\n')
    expect(parseXml(`<a>${escapeXml(`<k>&"'\n`)}</a>`).text).toBe(`<k>&"'\n`)
  })

  test.each([
    ['nothing', ''],
    ['text', 'hello'],
    ['half a document', '<a><b>x</b>'],
    ['half a tag', '<a><b'],
    ['elements that overlap', '<a><b></a></b>'],
    ['two roots', '<a/><b/>'],
    ['text after the root', '<a/>x'],
    ['text before the root', 'x<a/>'],
    ['a page of HTML', '<!DOCTYPE html><html><br></html>'],
    ['an entity of its own', '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'],
    ['an unknown entity', '<a>&nbsp;</a>'],
    ['a bare ampersand', '<a>x & y</a>'],
    ['a character that is none', '<a>&#x110000;</a>'],
    ['a closing tag first', '</a>'],
    ['too deep a nest', '<a>'.repeat(17) + '</a>'.repeat(17)],
  ])('refuses %s', (_, text) => {
    expect(() => parseXml(text)).toThrow(XmlProblem)
  })
})
