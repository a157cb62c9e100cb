export async function execute(input) {
  const email = input.user?.email
  if (email?.endsWith('@cymmetri.com')) {
    return { kind: 'continue' }
  }
  return {
    kind: 'block',
    reason: 'Sign-in is restricted to Cymmetri employees.',
    code: 'domain_not_allowed',
  }
}
