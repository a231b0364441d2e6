// Failures in full and closing lines, for logs: 'N passed, N failed', and what was skipped with the reason.
export default async function* report(source) {
  let passed = 0
  let failed = 0
  let skipped = 0
  const reasons = new Set()
  for await (const { type, data } of source) {
    const { skip } = data
    if (type === 'test:pass' && skip !== undefined) {
      skipped++
      reasons.add(typeof skip === 'string' ? skip : `${data.file}: no reason given`)
    } else if (type === 'test:pass' && data.details?.type !== 'suite') passed++
    if (type !== 'test:fail') continue
    if (data.details?.type !== 'suite') failed++
    const error = data.details?.error
    if (error?.code === 'ERR_TEST_FAILURE' && error.failureType === 'subtestsFailed') continue
    yield `\nFAILED ${data.file ?? ''}:${data.line ?? ''} ${data.name}\n${error?.cause?.stack ?? error?.stack ?? error}\n`
  }
  // A suite that is skipped counts as one: what is in it was not looked at.
  const rest = skipped === 0 ? '' : `, ${skipped} skipped: ${[...reasons].join('; ')}`
  yield `\n${passed} passed, ${failed} failed${rest}\n`
}
