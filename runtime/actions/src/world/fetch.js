// What `api.fetch` takes and gives: loaded at its first call.

export default (kit) => {
  const { arrayValues, freeze, fromJson, getOwnPropertyDescriptor, hasOwn, isArray, keys, TypeError } = kit
  const indexOf = kit.uncurry(kit.indexOf)
  const slice = kit.uncurry(kit.slice)
  const toLowerCase = kit.uncurry(kit.toLowerCase)
  const toUpperCase = kit.uncurry(kit.toUpperCase)
  const valuesOf = kit.uncurry(arrayValues)

  const textOf = (value, what) => {
    if (typeof value !== "string") throw new TypeError(`${what} must be a string`)
    return value
  }

  const own = (object, name) => {
    const property = getOwnPropertyDescriptor(object, name)
    if (!hasOwn(property, "value")) throw new TypeError(`\`${slice(name, 0, 40)}\` is a getter`)
    return property.value
  }

  // `init`: the method, the headers as lines of names and values by turns, and the body.
  const request = (init) => {
    const read = { __proto__: null, method: "GET", headers: "", body: undefined }
    if (init === undefined) return read
    if (typeof init !== "object" || init === null) throw new TypeError("the second argument of `api.fetch` must be an object")
    const names = keys(init)
    for (let i = 0; i < names.length; i++) {
      const name = names[i]
      const value = own(init, name)
      if (value === undefined) continue
      if (name === "method") read.method = toUpperCase(textOf(value, "`method`"))
      else if (name === "headers") read.headers = headersOf(value)
      else if (name === "body") read.body = bodyOf(value)
      else throw new TypeError(`\`api.fetch\` knows \`method\`, \`headers\` and \`body\`, not \`${slice(name, 0, 40)}\``)
    }
    return read
  }

  const headersOf = (headers) => {
    if (typeof headers !== "object" || headers === null || isArray(headers)) {
      throw new TypeError("`headers` must be an object of strings")
    }
    const names = keys(headers)
    let lines = ""
    for (let i = 0; i < names.length; i++) {
      const value = own(headers, names[i])
      if (value !== undefined) lines += `${line(names[i])}\n${line(textOf(value, `header \`${slice(names[i], 0, 40)}\``))}\n`
    }
    return lines
  }

  const line = (text) => {
    if (indexOf(text, "\n") >= 0 || indexOf(text, "\r") >= 0) throw new TypeError("a header must be one line")
    return text
  }

  const bodyOf = (body) => {
    if (typeof body === "string") return body
    throw new TypeError("`body` must be a string: write objects with `JSON.stringify`")
  }

  // The answer of a peer; `lines` are names, in lower case, and values by turns.
  const response = (status, url, lines, body) => {
    const values = { __proto__: null }
    for (let at = 0; at < lines.length; ) {
      const middle = indexOf(lines, "\n", at)
      const end = indexOf(lines, "\n", middle + 1)
      const name = slice(lines, at, middle)
      const value = slice(lines, middle + 1, end)
      values[name] = hasOwn(values, name) ? `${values[name]}, ${value}` : value
      at = end + 1
    }
    const headers = freeze({
      get(name) {
        name = toLowerCase(textOf(name, "the name of a header"))
        return hasOwn(values, name) ? values[name] : null
      },
      has(name) {
        return hasOwn(values, toLowerCase(textOf(name, "the name of a header")))
      },
      entries() {
        const pairs = keys(values)
        for (let i = 0; i < pairs.length; i++) pairs[i] = [pairs[i], values[pairs[i]]]
        return valuesOf(pairs)
      },
    })
    return freeze({
      status,
      ok: status >= 200 && status < 300,
      url,
      headers,
      async text() {
        return body
      },
      async json() {
        return fromJson(body)
      },
    })
  }

  return { __proto__: null, request, response }
}
